import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { FakeEncoders, FakeShelf, FakeSource, FakeTransport, fakeAvatar } from '../testing/fakes.ts';
import { DeviceControl, type DeviceMood } from '../testing/moody-device.ts';
import { processTimers } from '../timers.ts';
import { FramePhases } from './frame-phases.ts';
import { IdleLoops } from './idle-loops.ts';
import { Session } from './session.ts';

const ENGINE = { id: 'moody-device', moduleUrl: new URL('../testing/moody-device.ts', import.meta.url).href };
const SESSIONS = 4;
/** Bytes of the avatar's own pictures; a drawn mouth is white. */
const OWN_BYTES = 10;
const REST_WITHIN_MS = 200;
const BACK_WITHIN_MS = 3_000;
/** The machine that runs this may be busy with other things for so long. */
const HELD_UP_MS = 60;
const SOUND_SLACK_MS = 150;
const WAIT_MS = 15_000;
const TROUBLE_MS = 2_000;

/** A viewer that knows when it was sent what. */
class Watcher extends FakeTransport {
  readonly pictures: { atMs: number; isOwn: boolean }[] = [];
  readonly sounds: { atMs: number; startSample: number }[] = [];
  onSent: () => void = () => {};

  override sendVideo(packet: Parameters<FakeTransport['sendVideo']>[0]): void {
    this.pictures.push({ atMs: performance.now(), isOwn: packet.data[0] < OWN_BYTES });
    this.onSent();
  }

  override sendAudio(packet: Parameters<FakeTransport['sendAudio']>[0]): void {
    this.sounds.push({ atMs: performance.now(), startSample: packet.timestamp });
    this.onSent();
  }
}

/** Sessions that talk all the time, on one device in a thread of its own. */
async function openSessions(t: TestContext) {
  const device = new DeviceControl();
  const metrics = new Metrics();
  const avatar = fakeAvatar('a');
  const scheduler = await Scheduler.open({
    engine: ENGINE,
    workers: 0,
    avatars: [avatar],
    log: silentLog(),
    metrics,
  });
  const encoders = new FakeEncoders();
  const phases = new FramePhases();
  const watchers: Watcher[] = [];
  const sessions: Session[] = [];
  for (let i = 0; i < SESSIONS; i += 1) {
    const session = new Session({
      id: `s${i}`,
      owner: null,
      avatar,
      findAvatar: () => avatar,
      clips: new FakeShelf(),
      loadClip: async () => new FakeSource(),
      scheduler,
      encoders,
      loops: new IdleLoops(encoders, 500_000, silentLog()),
      viewers: {
        widthPx: avatar.widthPx,
        heightPx: avatar.heightPx,
        startBitrateBps: 500_000,
        minBitrateBps: 150_000,
        maxBitrateBps: 2_500_000,
        keyFrameIntervalMinMs: 500,
        opusBitrateBps: 32_000,
      },
      computeBudgetMs: 20,
      maxExtraDelayMs: 40,
      timers: processTimers,
      phases,
      metrics,
      log: silentLog(),
    });
    const watcher = new Watcher();
    await session.addTransport(async (events) => {
      watcher.events = events;
      return watcher;
    });
    session.setMicrophone(new FakeSource());
    watcher.events?.onConnected();
    sessions.push(session);
    watchers.push(watcher);
  }
  t.after(async () => {
    device.mood = 'well';
    for (const session of sessions) await session.close('test');
    await scheduler.close();
  });
  await until(watchers, () => watchers.every(({ pictures }) => pictures.slice(-10).filter(isDrawn).length === 10));
  return { device, watchers, metrics, sessions };
}

const isDrawn = ({ isOwn }: { isOwn: boolean }): boolean => !isOwn;

/** Waits until `holds`, looked at whenever something is sent. */
async function until(watchers: readonly Watcher[], holds: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const limit = setTimeout(() => reject(new Error(`did not happen within ${WAIT_MS} ms: ${holds}`)), WAIT_MS);
  for (const watcher of watchers) watcher.onSent = () => holds() && resolve();
  await promise;
  clearTimeout(limit);
}

/** Lets the device be in trouble for two seconds, and says what every session's viewer saw and heard. */
async function trouble(t: TestContext, mood: DeviceMood) {
  const { device, watchers, metrics, sessions } = await openSessions(t);
  device.mood = mood;
  await until(watchers, () => device.isTroubled);
  const beganMs = performance.now();
  await until(watchers, () => performance.now() - beganMs >= TROUBLE_MS);
  const endedMs = performance.now();
  device.mood = 'well';
  await until(watchers, () => watchers.every(({ pictures }) => pictures.slice(-3).every(isDrawn)));
  for (const { pictures, sounds } of watchers) {
    const during = pictures.filter(({ atMs }) => atMs > beganMs && atMs < endedMs);
    const lastMouthMs = during.findLast(isDrawn)?.atMs ?? beganMs;
    const rests = during.filter(({ atMs }) => atMs > lastMouthMs);
    assert.ok(rests.length > 30, `${rests.length} pictures of a face at rest`);
    const restMs = rests[0].atMs - beganMs;
    assert.ok(restMs <= REST_WITHIN_MS + HELD_UP_MS, `the face rests after ${restMs} ms`);
    const backMs = (pictures.find((picture) => picture.atMs > endedMs && isDrawn(picture))?.atMs ?? Infinity) - endedMs;
    assert.ok(backMs <= BACK_WITHIN_MS, `the mouth is back after ${backMs} ms`);
    t.diagnostic(`rests after ${restMs.toFixed(0)} ms, back after ${backMs.toFixed(0)} ms`);
    const heard = sounds.filter(({ atMs }) => atMs > beganMs && atMs < endedMs);
    const missing = heard.findIndex(({ startSample }, at) => at > 0 && startSample !== heard[at - 1].startSample + 960);
    assert.equal(missing, -1, 'no sound is missing');
    const lateMs = endedMs - beganMs - heard.length * 20;
    assert.ok(Math.abs(lateMs) <= SOUND_SLACK_MS, `the sound is ${lateMs} ms late`);
  }
  return { watchers, metrics, sessions };
}

test('a device that stands still for two seconds: faces rest within 200 ms, the sound goes on, mouths are back within three', async (t) => {
  const { metrics } = await trouble(t, 'stalled');
  assert.equal(metrics.counter('device_stalls').value, 1);
  assert.equal(metrics.counter('engine_restarts').value, 0);
});

test('a device that dies and is away for two seconds: faces rest within 200 ms, the sound goes on, mouths are back within three', async (t) => {
  const { metrics } = await trouble(t, 'gone');
  assert.ok(metrics.counter('engine_restarts').value >= 2);
});

test('a device that is out of memory for two seconds: faces rest within 200 ms, the sound goes on, mouths are back within three', async (t) => {
  const { metrics } = await trouble(t, 'out_of_memory');
  assert.ok(metrics.counter('device_out_of_memory').value >= 1);
});

test('a device whose numbers are none for two seconds: faces rest within 200 ms, the sound goes on, mouths are back within three', async (t) => {
  const { metrics } = await trouble(t, 'nan');
  assert.ok(metrics.counter('engine_failures').value > 0);
});

test('four sessions that talk at once share batches, and each gets its mouths', async (t) => {
  const { watchers, metrics, sessions } = await openSessions(t);
  await until(watchers, () => watchers.every(({ pictures }) => pictures.length > 75));
  const { count, sum } = metrics.histogram('batch_jobs').total;
  assert.ok(sum / count > 1.3, `${sum / count} mouths a batch`);
  for (const session of sessions) assert.ok(Number(session.figures().mouths_per_second) >= 20);
});
