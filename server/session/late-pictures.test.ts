import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '../codecs/packet.ts';
import type { FrameJob, FrameOutcome } from '../scheduler/frame-job.ts';
import { assertWhole } from '../testing/assert-whole.ts';
import { fakeRegistry } from '../testing/fake-registry.ts';
import { FakeScheduler, FakeSource, FakeTransport } from '../testing/fakes.ts';
import type { ManualTimers } from '../testing/manual-timers.ts';
import { recordSpans } from '../testing/recorded-spans.ts';

const OWNER = { door: 'rest', subject: 'kiosk', maxSessions: null } as const;
/** Of the sessions here, ms: 20 of a chunk, 40 of look-ahead, 30 to compute; a picture may follow 20 later. */
const DELAY_MS = 90;
/** From what the engine is asked for to the moment at which the picture is replaced. */
const DRAWING_MS = 50;

/** An engine that takes its time: `tookMs` of a frame's number. */
class SlowScheduler extends FakeScheduler {
  tookMs: (frame: number) => number = () => 10;
  readonly #timers: ManualTimers;

  constructor(timers: ManualTimers, lookAheadMs = 40) {
    super(lookAheadMs);
    this.#timers = timers;
    this.automatic = null;
  }

  override submit(job: FrameJob): Promise<FrameOutcome> {
    const outcome = super.submit(job);
    const { answer } = this.jobs[this.jobs.length - 1];
    this.#timers.at(this.#timers.nowMs() + this.tookMs(job.frame), () => answer('drawn', mouthOf(job.frame)));
    return outcome;
  }
}

/** First byte of the picture that is drawn for a frame; the avatar's own are below 10. */
const mouthOf = (frame: number): number => 100 + (frame % 100);

/** A viewer that knows when it was sent what. */
class Watcher extends FakeTransport {
  readonly #timers: ManualTimers;
  readonly soundAtMs: number[] = [];
  readonly pictureAtMs: number[] = [];

  constructor(timers: ManualTimers) {
    super();
    this.#timers = timers;
  }

  override sendAudio(packet: Packet): void {
    super.sendAudio(packet);
    this.soundAtMs.push(this.#timers.nowMs());
  }

  override sendVideo(packet: Packet): void {
    super.sendVideo(packet);
    this.pictureAtMs.push(this.#timers.nowMs());
  }
}

/** A session that talks all the time, from time 0 on. */
async function talk({ maxExtraDelayMs = 40 } = {}) {
  const { registry, timers, metrics, scheduler: first } = fakeRegistry({ maxExtraDelayMs });
  const scheduler = new SlowScheduler(timers);
  registry.setScheduler(scheduler);
  const session = registry.create('anna', OWNER);
  assert.deepEqual([session.delayMs, first.jobs.length], [DELAY_MS, 0]);
  const microphone = new FakeSource(0.5);
  session.setMicrophone(microphone);
  const viewer = new Watcher(timers);
  await session.addTransport(async (events) => {
    viewer.events = events;
    return viewer;
  });
  viewer.events?.onConnected();
  const count = (name: string): number => metrics.counter(name).value;
  return { session, timers, scheduler, microphone, viewer, count };
}

/** Times between two packets that are not what they should be, ms. */
function unevenGaps(atMs: readonly number[], evenMs: number): number[] {
  return atMs
    .slice(1)
    .map((each, i) => each - atMs[i])
    .filter((gapMs) => gapMs !== evenMs);
}

test('where pictures come too late now and then, the delay grows by 20 ms, and from then on each is there in time', async () => {
  const spans = recordSpans();
  const { session, timers, scheduler, viewer, count } = await talk();
  scheduler.tookMs = (frame) => (frame % 30 === 0 ? DRAWING_MS + 10 : 10);
  await timers.advance(8_000);
  assert.equal(session.delayMs, DELAY_MS + 20);
  assert.equal(session.figures().delay_ms, DELAY_MS + 20);
  const lateBefore = count('frames_late');
  assert.ok(lateBefore >= 4);
  const sentBefore = viewer.video.length;
  await timers.advance(20_000);
  assert.equal(count('frames_late'), lateBefore);
  assert.equal(count('frames_without_memory'), 0);
  assert.equal(count('delay_steps'), 1);
  const shown = viewer.video.map(({ data }) => data[0]).slice(sentBefore);
  assert.deepEqual(
    shown,
    shown.map((_, i) => mouthOf(sentBefore + i)),
  );
  assert.ok(scheduler.jobs.slice(-10).every(({ job }) => job.dueMs === 40 * job.frame + DELAY_MS + 20 + 20));
  const told = spans[0].events.find(({ name }) => name === 'delay_grown');
  assert.equal(told?.attributes?.['musecast.delay_ms'], DELAY_MS + 20);
  await session.close('test');
});

test('while the delay grows no sound is lost or doubled: it waits for 20 ms, once', async () => {
  const { session, timers, scheduler, viewer } = await talk();
  scheduler.tookMs = (frame) => (frame % 30 === 0 ? DRAWING_MS + 10 : 10);
  await timers.advance(10_000);
  assert.equal(session.delayMs, DELAY_MS + 20);
  assertWhole(viewer);
  assert.deepEqual(unevenGaps(viewer.soundAtMs, 20), [40]);
  assert.equal(viewer.soundAtMs[0], DELAY_MS);
  assert.equal(viewer.soundAtMs.at(-1), 20 * (viewer.soundAtMs.length - 1) + DELAY_MS + 20);
  await session.close('test');
});

test('viewers learn the new time of the sound and its pictures, those that come later too', async () => {
  const { session, timers, scheduler, viewer } = await talk();
  scheduler.tookMs = (frame) => (frame % 30 === 0 ? DRAWING_MS + 10 : 10);
  await timers.advance(10_000);
  assert.equal(viewer.originEpochMs, timers.epochMs(DELAY_MS + 20));
  const second = new FakeTransport();
  await session.addTransport(async (events) => {
    second.events = events;
    return second;
  });
  second.events?.onConnected();
  assert.equal(second.originEpochMs, viewer.originEpochMs);
  await timers.advance(1_000);
  const last = viewer.pictureAtMs.length - 1;
  assert.equal(viewer.pictureAtMs[last], viewer.soundAtMs[2 * last]);
  await session.close('test');
});

test('the delay grows in a pause of the speech, between two frames', async () => {
  for (const spokenMs of [2_800, 2_820]) {
    const { session, timers, scheduler, microphone, viewer } = await talk();
    scheduler.tookMs = (frame) => (frame % 20 === 0 ? DRAWING_MS + 10 : 10);
    await timers.advance(spokenMs);
    assert.equal(session.delayMs, DELAY_MS, 'not while it speaks');
    microphone.amplitude = 0;
    await timers.advance(500);
    assert.equal(session.delayMs, DELAY_MS + 20);
    const waited = viewer.soundAtMs.findIndex((atMs, i) => i > 0 && atMs - viewer.soundAtMs[i - 1] === 40);
    assert.equal(viewer.audio[waited].data[0], 0, 'what waited is silence');
    assert.equal(waited % 2, 0, 'what waited is the first half of a frame');
    assertWhole(viewer);
    await session.close('test');
  }
});

test('one pause of the process costs several pictures and changes nothing', async () => {
  const { session, timers, viewer, count } = await talk();
  await timers.advance(2_000);
  timers.stall(400);
  await timers.advance(10_000);
  assert.ok(count('frames_late') + count('frames_without_memory') >= 9);
  assert.equal(session.delayMs, DELAY_MS);
  assertWhole(viewer);
  await session.close('test');
});

test('an engine that answers nothing for two seconds changes nothing: more delay would be no help', async () => {
  const { session, timers, scheduler, count } = await talk();
  await timers.advance(2_000);
  scheduler.tookMs = () => 2_000;
  await timers.advance(2_000);
  scheduler.tookMs = () => 10;
  await timers.advance(10_000);
  assert.ok(count('frames_late') >= 3);
  assert.equal(session.delayMs, DELAY_MS);
  await session.close('test');
});

test('mouths that are held because a device is shared are not late', async () => {
  const { session, timers, scheduler, count } = await talk();
  Object.assign(scheduler, { submit: async ({ frame }: FrameJob) => (frame % 5 === 0 ? 'held' : 'closed') });
  await timers.advance(10_000);
  assert.ok(count('frames_held') > 40);
  assert.equal(session.delayMs, DELAY_MS);
  await session.close('test');
});

test('an engine that always takes 35 ms too long gets two steps, and memory for one more picture under way', async () => {
  const { session, timers, scheduler, viewer, count } = await talk();
  scheduler.tookMs = () => DRAWING_MS + 35;
  await timers.advance(10_000);
  assert.equal(session.delayMs, DELAY_MS + 40);
  assert.equal(count('delay_steps'), 2);
  const lateBefore = count('frames_late');
  await timers.advance(5_000);
  assert.equal(count('frames_late'), lateBefore);
  assert.equal(count('frames_without_memory'), 0);
  assertWhole(viewer);
  scheduler.tookMs = () => 10_000;
  const askedBefore = scheduler.jobs.length;
  await timers.advance(2_000);
  assert.equal(scheduler.jobs.length - askedBefore, 6);
  await session.close('test');
});

test('the delay never grows by more than two steps, however late pictures are', async () => {
  const { session, timers, scheduler, viewer, count } = await talk();
  scheduler.tookMs = () => DRAWING_MS + 60;
  await timers.advance(60_000);
  assert.equal(session.delayMs, DELAY_MS + 40);
  assert.equal(count('delay_steps'), 2);
  assert.deepEqual(unevenGaps(viewer.soundAtMs, 20), [40, 40]);
  assertWhole(viewer);
  await session.close('test');
});

test('where no extra delay is allowed, late pictures are replaced for ever', async () => {
  const { session, timers, scheduler, count } = await talk({ maxExtraDelayMs: 0 });
  scheduler.tookMs = () => DRAWING_MS + 10;
  await timers.advance(10_000);
  assert.equal(session.delayMs, DELAY_MS);
  assert.ok(count('frames_late') > 200);
  await session.close('test');
});

test('an engine that takes over later has the time that the delay grew by; the rest goes into more sound', async () => {
  const { session, timers, scheduler, viewer, count } = await talk();
  scheduler.tookMs = () => DRAWING_MS + 10;
  await timers.advance(5_000);
  assert.equal(session.delayMs, DELAY_MS + 20);
  const next = new SlowScheduler(timers, 0);
  next.tookMs = () => DRAWING_MS + 10;
  session.setScheduler(next);
  await timers.advance(1_000);
  assert.equal(session.delayMs, DELAY_MS + 20);
  const lateBefore = count('frames_late');
  await timers.advance(10_000);
  assert.equal(count('frames_late'), lateBefore);
  assert.equal(session.delayMs, DELAY_MS + 20);
  assertWhole(viewer);
  await session.close('test');
});

test('what the engine before was late with is forgotten when another one takes over', async () => {
  const { session, timers, scheduler } = await talk();
  const isSometimesLate = (frame: number) => (frame % 20 === 0 ? DRAWING_MS + 10 : 10);
  scheduler.tookMs = isSometimesLate;
  await timers.advance(1_300);
  const next = new SlowScheduler(timers);
  next.tookMs = (frame) => (frame < 50 ? isSometimesLate(frame) : 10);
  session.setScheduler(next);
  await timers.advance(10_000);
  assert.equal(session.delayMs, DELAY_MS);
  await session.close('test');
});

test('an engine that needs longer than the delay has grown to may grow it once more', async () => {
  const { session, timers, scheduler, viewer, count } = await talk();
  scheduler.tookMs = () => DRAWING_MS + 10;
  await timers.advance(5_000);
  const next = new SlowScheduler(timers, 80);
  next.tookMs = () => DRAWING_MS + 10;
  session.setScheduler(next);
  assert.equal(session.delayMs, 20 + 80 + 30);
  await timers.advance(10_000);
  assert.equal(session.delayMs, 20 + 80 + 30 + 20);
  const lateBefore = count('frames_late');
  await timers.advance(5_000);
  assert.equal(count('frames_late'), lateBefore);
  assertWhole(viewer);
  await session.close('test');
});
