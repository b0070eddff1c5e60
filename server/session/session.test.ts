import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Avatar } from '../avatars/avatar.ts';
import { OPUS_DELAY_SAMPLES } from '../codecs/opus-encoder.ts';
import { AppError } from '../errors.ts';
import { silentLog } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { assertWhole } from '../testing/assert-whole.ts';
import {
  FakeEncoders,
  FakeScheduler,
  FakeShelf,
  FakeSource,
  FakeTransport,
  fakeAvatar,
  fakeStoredClip,
} from '../testing/fakes.ts';
import { ManualTimers } from '../testing/manual-timers.ts';
import { FramePhases } from './frame-phases.ts';
import { IdleLoops } from './idle-loops.ts';
import { Session } from './session.ts';

const SETTINGS = {
  widthPx: 16,
  heightPx: 16,
  startBitrateBps: 500_000,
  minBitrateBps: 150_000,
  maxBitrateBps: 2_500_000,
  keyFrameIntervalMinMs: 500,
  opusBitrateBps: 32_000,
};

async function makeSession(options: { lookAheadMs?: number; wantsAudio?: boolean; engineBudgetMs?: number } = {}) {
  const timers = new ManualTimers(5_000);
  const scheduler = new FakeScheduler(options.lookAheadMs ?? 40, options.engineBudgetMs);
  const encoders = new FakeEncoders();
  const metrics = new Metrics();
  const stored = [fakeStoredClip('speaking_0', 8), fakeStoredClip('action_1', 5), fakeStoredClip('action_2', 5)];
  const avatars: Record<string, Avatar> = { a: fakeAvatar('a', 0, 10, stored), b: fakeAvatar('b', 100) };
  const shelf = new FakeShelf();
  const clip = new FakeSource(0.8);
  const session = new Session({
    phases: new FramePhases(),
    id: 's1',
    owner: null,
    avatar: avatars.a,
    findAvatar: (id) => {
      const avatar = avatars[id];
      if (!avatar) throw new AppError('avatar_not_found', `Avatar ${id} not found`);
      return avatar;
    },
    clips: shelf,
    loadClip: async () => clip,
    scheduler,
    encoders,
    loops: new IdleLoops(encoders, SETTINGS.startBitrateBps, silentLog()),
    viewers: SETTINGS,
    computeBudgetMs: 30,
    maxExtraDelayMs: 40,
    timers,
    metrics,
    log: silentLog(),
  });
  const transport = new FakeTransport('H264', options.wantsAudio ?? true);
  await session.addTransport(async (events) => {
    transport.events = events;
    return transport;
  });
  return { timers, scheduler, encoders, metrics, session, transport, clip, shelf };
}

test('nothing is sent before the viewer is connected, and media time begins then', async () => {
  const { timers, session, transport } = await makeSession();
  await timers.advance(500);
  assert.equal(transport.audio.length, 0);
  transport.events?.onConnected();
  assert.equal(transport.originEpochMs, timers.epochMs(timers.nowMs() + session.delayMs));
  await timers.advance(session.delayMs);
  assert.equal(transport.audio[0].timestamp, -OPUS_DELAY_SAMPLES);
  await session.close('test');
});

test('sound and the frame that belongs to it leave in the same step, one delay after the sound came in', async () => {
  const { timers, session, transport } = await makeSession();
  assert.equal(session.delayMs, 20 + 40 + 30);
  transport.events?.onConnected();
  await timers.advance(session.delayMs - 1);
  assert.deepEqual([transport.audio.length, transport.video.length], [0, 0]);
  await timers.advance(1);
  assert.deepEqual([transport.audio.length, transport.video.length], [1, 1]);
  await timers.advance(10_000);
  assert.deepEqual([transport.audio.length, transport.video.length], [501, 251]);
  assert.equal(transport.video[250].timestamp, 250 * 3600);
  assert.equal(transport.audio[500].timestamp, 500 * 960 - OPUS_DELAY_SAMPLES);
  await session.close('test');
});

test('an engine that asks for more time than is configured gets it', async () => {
  const { session } = await makeSession({ engineBudgetMs: 100 });
  assert.equal(session.delayMs, 20 + 40 + 100);
  await session.close('test');
});

test('silence shows the avatar’s own loop and never asks the engine', async () => {
  const { timers, session, transport, scheduler } = await makeSession();
  session.setMicrophone(new FakeSource(0));
  transport.events?.onConnected();
  await timers.advance(2_000);
  assert.equal(scheduler.jobs.length, 0);
  assert.deepEqual(
    [...transport.video.slice(0, 12)].map((packet) => packet.data[0]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1],
  );
  await session.close('test');
});

test('speech shows what the engine drew', async () => {
  const { timers, session, transport, scheduler } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(1_000);
  assert.ok(scheduler.jobs.length >= 20);
  assert.equal(transport.video.at(-1)?.data[0], 200);
  await session.close('test');
});

test('a late picture is replaced by the one before it, then by the closed mouth, and the sound goes on', async () => {
  const { timers, session, transport, scheduler, metrics } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(1_000);
  scheduler.automatic = null;
  const sentBefore = transport.video.length;
  await timers.advance(400);
  const bytes = transport.video.slice(sentBefore).map((packet) => packet.data[0]);
  assert.deepEqual(
    bytes.slice(-4).map((byte) => byte < 10),
    [true, true, true, true],
  );
  assert.ok(bytes.filter((byte) => byte === 200).length >= 3, 'the last mouth was held for a few frames');
  assert.equal(transport.audio.length, 2 * transport.video.length - 1 + (transport.audio.length % 2 === 0 ? 1 : 0));
  assert.ok(metrics.counter('frames_late').value > 0);
  await session.close('test');
});

test('where a device is shared by too many the last mouth is held, and the session tells how often it gets a new one', async () => {
  const { timers, session, transport, scheduler, metrics } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  scheduler.automatic = null;
  for (let frame = 0; frame < 100; frame += 1) {
    await timers.advance(40);
    for (const { answer } of scheduler.jobs.splice(0)) answer(frame % 5 === 0 ? 'held' : 'drawn');
  }
  assert.equal(session.figures().mouths_per_second, 20);
  assert.ok(transport.video.slice(-50).every((packet) => packet.data[0] === 200));
  assert.equal(metrics.counter('frames_late').value, 0);
  assert.ok(metrics.counter('frames_held').value >= 15);
  assert.equal(metrics.histogram('mouth_gap_ms').summary().max, 80);
  await session.close('test');
});

test('a face whose turn has not come rests, its sound goes on', async () => {
  const { timers, session, transport, scheduler, metrics } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(1_000);
  scheduler.automatic = 'resting';
  const before = transport.audio.length;
  await timers.advance(1_000);
  assert.ok(transport.video.slice(-20).every((packet) => packet.data[0] < 10));
  assert.equal(transport.audio.length - before, 50);
  assert.equal(session.figures().mouths_per_second, 0);
  assert.ok(metrics.counter('frames_resting').value >= 20);
  await session.close('test');
});

test('an engine that fails shows the closed mouth and comes back by itself', async () => {
  const { timers, session, transport, scheduler, metrics } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  scheduler.automatic = 'failed';
  await timers.advance(1_000);
  assert.ok(transport.video.every((packet) => packet.data[0] < 10));
  assert.ok(metrics.counter('frames_failed').value > 0);
  scheduler.automatic = 'drawn';
  await timers.advance(300);
  assert.equal(transport.video.at(-1)?.data[0], 200);
  await session.close('test');
});

test('an engine that answers nothing does not use up the session’s pictures for good', async () => {
  const { timers, session, transport, scheduler } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  scheduler.automatic = null;
  await timers.advance(2_000);
  const stuck = scheduler.jobs.length;
  assert.ok(stuck <= 5, `${stuck} pictures were lent out`);
  for (const { answer } of scheduler.jobs) answer('drawn');
  scheduler.automatic = 'drawn';
  await timers.advance(500);
  assert.equal(transport.video.at(-1)?.data[0], 200);
  await session.close('test');
});

test('an interrupt lets no sound out that came in before it, and closes the mouth', async () => {
  const { timers, session, transport, clip } = await makeSession();
  session.setMicrophone(new FakeSource(0));
  await session.playClip('hello');
  transport.events?.onConnected();
  await timers.advance(1_000);
  assert.equal(transport.audio.at(-1)?.data[0], 80);
  const sentBefore = transport.audio.length;
  session.interrupt();
  await timers.advance(300);
  assert.ok(clip.closed);
  assert.ok(transport.audio.slice(sentBefore).every((packet) => packet.data[0] === 0));
  assert.ok((transport.video.at(-1)?.data[0] ?? 200) < 10);
  assert.equal(session.figures().clip, null);
  await session.close('test');
});

test('changing the avatar changes the picture without a new transport', async () => {
  const { timers, session, transport } = await makeSession();
  transport.events?.onConnected();
  await timers.advance(500);
  session.setAvatar('b');
  await timers.advance(300);
  assert.ok((transport.video.at(-1)?.data[0] ?? 0) >= 100);
  assert.throws(() => session.setAvatar('nobody'), /Avatar nobody not found/);
  await session.close('test');
});

test('a clip that the avatar does not have is refused with the names of those it has', async () => {
  const { session } = await makeSession();
  await assert.rejects(session.playClip('bye'), /has no audio clip bye; it has: hello/);
  await assert.rejects(session.playClip('constructor'), /has no audio clip constructor/);
  await session.close('test');
});

test('key frames asked for again and again come at most every 500 ms', async () => {
  const { timers, session, transport } = await makeSession();
  transport.events?.onConnected();
  for (let i = 0; i < 100; i += 1) {
    transport.events?.onKeyFrameRequest();
    await timers.advance(20);
  }
  const keys = transport.video.filter((packet) => packet.isKeyFrame);
  assert.ok(keys.length >= 3 && keys.length <= 5, `${keys.length} key frames in 2 s`);
  assert.ok(transport.video[0].isKeyFrame);
  await session.close('test');
});

test('after three silent seconds the pictures come from the loop that all sessions share, until the first word', async () => {
  const { timers, session, transport, metrics, encoders } = await makeSession();
  const microphone = new FakeSource(0);
  session.setMicrophone(microphone);
  transport.events?.onConnected();
  await timers.advance(6_000);
  const fromLoop = metrics.counter('frames_from_loop').value;
  assert.ok(fromLoop > 25, `${fromLoop} frames from the loop`);
  assert.equal(encoders.opened, 3, 'pictures, sound and, once, the loop');
  const indices = transport.video.map((packet) => packet.timestamp / 3600);
  assert.deepEqual(indices, [...indices.keys()], 'no frame is missing or twice');
  assert.deepEqual(
    transport.video.map((packet) => packet.data[0]),
    indices.map((index) => index % 10),
    'the loop goes on where the session stood',
  );

  microphone.amplitude = 0.5;
  const sentBefore = transport.video.length;
  await timers.advance(1_000);
  const drawn = transport.video.slice(sentBefore).find((packet) => packet.data[0] === 200);
  assert.ok(drawn?.isKeyFrame, 'the first drawn picture does not refer to the loop');
  assert.equal(metrics.counter('frames_from_loop').value - fromLoop < 10, true);
  await session.close('test');
});

test('a viewer on the loop that asks for a key frame gets one at once', async () => {
  const { timers, session, transport, metrics } = await makeSession();
  transport.events?.onConnected();
  await timers.advance(6_010);
  const sentBefore = transport.video.length;
  const loopBefore = metrics.counter('frames_from_loop').value;
  transport.events?.onKeyFrameRequest();
  await timers.advance(200);
  assert.ok(transport.video.slice(sentBefore).some((packet) => packet.isKeyFrame));
  assert.ok(metrics.counter('frames_from_loop').value - loopBefore < 5);
  await session.close('test');
});

test('a viewer that cannot take the loop’s bitrate is not put on it', async () => {
  const { timers, session, transport, metrics } = await makeSession();
  transport.events?.onConnected();
  transport.events?.onBandwidth(300_000);
  await timers.advance(8_000);
  assert.equal(metrics.counter('frames_from_loop').value, 0);
  await session.close('test');
});

test('the bitrate follows the estimate within its limits', async () => {
  const { session, transport, encoders } = await makeSession();
  transport.events?.onBandwidth(1_000_000);
  transport.events?.onBandwidth(20_000);
  transport.events?.onBandwidth(100_000_000);
  assert.deepEqual(encoders.bitrates, [810_000, 150_000, 2_500_000]);
  await session.close('test');
});

test('two viewers of the same codec share one encoder, and a late one starts with a key frame', async () => {
  const { timers, session, transport, encoders } = await makeSession();
  transport.events?.onConnected();
  await timers.advance(2_000);
  const second = new FakeTransport();
  await session.addTransport(async (events) => {
    second.events = events;
    return second;
  });
  assert.equal(encoders.opened, 2, 'one for pictures, one for sound');
  second.events?.onConnected();
  await timers.advance(200);
  assert.ok(second.video.some((packet) => packet.isKeyFrame));
  assert.equal(second.originEpochMs, transport.originEpochMs);
  await session.close('test');
});

test('the session closes with its last viewer and leaves nothing behind', async () => {
  const { timers, session, transport, encoders, scheduler } = await makeSession();
  const microphone = new FakeSource(0.5);
  session.setMicrophone(microphone);
  const reasons: string[] = [];
  session.onClosed((reason) => void reasons.push(reason));
  transport.events?.onConnected();
  await timers.advance(500);
  transport.events?.onClosed('gone');
  await timers.advance(1_000);
  assert.deepEqual(reasons, ['gone']);
  assert.equal(session.state, 'closed');
  assert.equal(timers.pending, 0);
  assert.equal(encoders.closed, encoders.opened);
  assert.ok(microphone.closed);
  assert.deepEqual(scheduler.ended, ['s1']);
  await session.close('again');
  assert.equal(reasons.length, 1);
});

test('after a long stall media time goes on from where it stood', async () => {
  const { timers, session, transport } = await makeSession();
  transport.events?.onConnected();
  await timers.advance(1_000);
  const sentBefore = transport.audio.length;
  const originBefore = transport.originEpochMs;
  timers.stall(5_000);
  await timers.advance(100);
  assert.ok(transport.audio.length - sentBefore < 10, 'no burst of packets');
  assert.ok(transport.originEpochMs > originBefore + 4_800);
  await session.close('test');
});

test('a listener learns what the mouth does in each frame that is sent: drawn, then closed', async () => {
  const { timers, session, transport } = await makeSession();
  const microphone = new FakeSource(0.5);
  session.setMicrophone(microphone);
  const heard: { frame: number; jaw: number; sent: number }[] = [];
  session.onMouth(({ frame, parameters }) =>
    heard.push({ frame, jaw: parameters.jaw, sent: transport.video.length - 1 }),
  );
  transport.events?.onConnected();
  await timers.advance(1_000);
  microphone.amplitude = 0;
  await timers.advance(2_000);
  assert.deepEqual(
    heard.map(({ frame }) => frame),
    [...transport.video.keys()],
  );
  assert.ok(heard.every(({ frame, sent }) => frame === sent));
  assert.deepEqual(
    heard.map(({ jaw }) => jaw > 0.5),
    transport.video.map((packet) => packet.data[0] === 200),
  );
  await session.close('test');
});

test('without a listener the engine is not asked for parameters', async () => {
  const { timers, session, transport, scheduler } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(500);
  assert.ok(scheduler.jobs.length > 0 && scheduler.jobs.every(({ job }) => job.mouth === null));
  const leave = session.onMouth(() => {});
  await timers.advance(200);
  assert.notEqual(scheduler.jobs.at(-1)?.job.mouth, null);
  leave();
  await timers.advance(200);
  assert.equal(scheduler.jobs.at(-1)?.job.mouth, null);
  await session.close('test');
});

test('a viewer that wants no sound costs no sound encoder', async () => {
  const { timers, session, transport, encoders } = await makeSession({ wantsAudio: false });
  transport.events?.onConnected();
  await timers.advance(500);
  assert.equal(encoders.opened, 1);
  assert.equal(transport.audio.length, 0);
  await session.close('test');
});

test('a viewer that asks for a key frame every second gets one, from the encoder and from the loop', async () => {
  const { timers, session, transport, metrics } = await makeSession();
  transport.keyFrameEveryFrames = 25;
  const microphone = new FakeSource(0.5);
  session.setMicrophone(microphone);
  transport.events?.onConnected();
  await timers.advance(4_000);
  microphone.amplitude = 0;
  await timers.advance(8_000);
  microphone.amplitude = 0.5;
  await timers.advance(2_000);
  assert.ok(metrics.counter('frames_from_loop').value > 25);
  const keys = [...transport.video.keys()].filter((frame) => transport.video[frame].isKeyFrame);
  const gaps = keys.slice(1).map((frame, i) => frame - keys[i]);
  assert.ok(Math.max(...gaps) <= 25, `gaps of ${gaps.join(', ')} pictures`);
  await session.close('test');
});

test('the speaking clip is seen under the lips, the idle clip before and after, and no picture is missing', async () => {
  const { timers, session, transport, scheduler } = await makeSession();
  const microphone = new FakeSource(0);
  session.setMicrophone(microphone);
  await session.setBaseClip('speaking', 'speaking_0');
  transport.events?.onConnected();
  await timers.advance(1_000);
  microphone.amplitude = 0.5;
  await timers.advance(1_000);
  assert.ok(scheduler.jobs.every(({ job }) => job.clipName === 'speaking_0'));
  microphone.amplitude = 0;
  await timers.advance(2_000);
  assert.ok((transport.video.at(-1)?.data[0] ?? 99) < 10, 'the idle clip is seen again');
  const indices = transport.video.map((packet) => packet.timestamp / 3600);
  assert.deepEqual(indices, [...indices.keys()]);
  await session.close('test');
});

test('a speaking clip that is still being loaded keeps neither sound nor picture waiting', async () => {
  const { timers, session, transport, scheduler, shelf } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  const loaded = Promise.withResolvers<void>();
  shelf.gate = loaded.promise;
  const set = session.setBaseClip('speaking', 'speaking_0');
  await timers.advance(500);
  assert.ok(scheduler.jobs.length > 0 && scheduler.jobs.every(({ job }) => job.clipName === 'idle_0'));
  loaded.resolve();
  await set;
  await timers.advance(500);
  assert.equal(scheduler.jobs.at(-1)?.job.clipName, 'speaking_0');
  await session.close('test');
  assert.deepEqual(shelf.lent, []);
});

test('an action is played whole, once, after the speech, and speech that comes meanwhile waits for its end', async () => {
  const { timers, session, transport, shelf } = await makeSession();
  const microphone = new FakeSource(0.5);
  session.setMicrophone(microphone);
  transport.events?.onConnected();
  await timers.advance(1_000);
  const acted: number[] = [];
  const sendVideo = transport.sendVideo.bind(transport);
  transport.sendVideo = (packet) => {
    const frame = packet.timestamp / 3600;
    if (session.shownIn(frame)?.video === 'action_1') acted.push(frame);
    sendVideo(packet);
  };
  await session.act('action_1');
  await timers.advance(1_000);
  assert.ok(
    transport.video.slice(15).every(({ data }) => data[0] === 200),
    'not while it speaks',
  );
  microphone.amplitude = 0;
  await timers.advance(700);
  microphone.amplitude = 0.5;
  await timers.advance(3_000);
  const bytes = transport.video.map(({ data }) => data[0]);
  const [first] = acted;
  assert.deepEqual(acted, [first, first + 1, first + 2, first + 3, first + 4]);
  const isRising = (list: readonly number[]) => list.every((byte, i) => i === 0 || byte > list[i - 1]);
  assert.ok(isRising(bytes.slice(first, first + 5)), 'it fades in');
  assert.equal(bytes[first + 4], 74);
  assert.equal(bytes.at(-1), 200);
  assert.deepEqual(shelf.lent, []);
  await session.close('test');
});

test('an action for now silences who speaks, and is seen at once', async () => {
  const { timers, session, transport } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(1_000);
  await session.act('action_1', 'now');
  const states: (string | undefined)[] = [];
  transport.sendVideo = ({ timestamp }) => states.push(session.shownIn(timestamp / 3600)?.state);
  await timers.advance(1_000);
  const first = states.indexOf('action');
  assert.ok(first * 40 <= session.delayMs, `${first}`);
  assert.deepEqual(states.slice(first, first + 5), Array(5).fill('action'));
  assert.ok(!states.slice(first + 5).includes('action'));
  await session.close('test');
});

test('what a frame shows is known when it is sent', async () => {
  const { timers, session, transport } = await makeSession();
  transport.events?.onConnected();
  await timers.advance(400);
  await session.act('action_2');
  const seen: (string | undefined)[] = [];
  transport.sendVideo = ({ timestamp }) => {
    const shown = session.shownIn(timestamp / 3600);
    seen.push(shown?.state === 'action' ? `${shown.video} ${shown.progress}` : shown?.state);
  };
  await timers.advance(600);
  const first = seen.indexOf('action_2 0.2');
  assert.deepEqual(seen.slice(first - 1, first + 6), [
    'idle',
    ...['action_2 0.2', 'action_2 0.4', 'action_2 0.6', 'action_2 0.8', 'action_2 1'],
    'idle',
  ]);
  assert.equal(session.shownIn(100_000), null);
  await session.close('test');
});

test('actions that wait are bounded, and an unknown clip is refused with the names of those there are', async () => {
  const { session, shelf } = await makeSession();
  for (let i = 0; i < 4; i += 1) await session.act('action_1');
  await assert.rejects(session.act('action_1'), { code: 'rate_limited' });
  await assert.rejects(session.act('action_9'), /no clip action_9; it has: idle_0, speaking_0, action_1, action_2/);
  await session.close('test');
  assert.deepEqual(shelf.lent, []);
});

for (const { words, lookAheadMs, budgetMs, delayMs } of [
  { words: 'longer', lookAheadMs: 180, budgetMs: 100, delayMs: 300 },
  { words: 'a little longer', lookAheadMs: 40, budgetMs: 35, delayMs: 95 },
  { words: 'less sound but more time', lookAheadMs: 0, budgetMs: 70, delayMs: 90 },
  { words: 'less', lookAheadMs: 0, budgetMs: 0, delayMs: 90 },
]) {
  test(`an engine that needs ${words} takes over in the middle of speech; no sound and no picture is lost or doubled`, async () => {
    const { timers, session, transport, scheduler } = await makeSession();
    session.setMicrophone(new FakeSource(0.5));
    transport.events?.onConnected();
    await timers.advance(1_003);
    const next = new FakeScheduler(lookAheadMs, budgetMs);
    session.setScheduler(next);
    assert.equal(session.delayMs, delayMs);
    assert.deepEqual(scheduler.ended, ['s1']);
    const jobsBefore = scheduler.jobs.length;
    await timers.advance(3_000);
    assert.equal(scheduler.jobs.length, jobsBefore);
    assertWhole(transport);
    const frames = [...scheduler.jobs, ...next.jobs].map(({ job }) => job.frame);
    assert.deepEqual(
      frames,
      frames.map((_, i) => frames[0] + i),
    );
    assert.equal(transport.audio.length, Math.floor((4_003 - delayMs) / 20) + 1);
    assert.equal(transport.video.at(-1)?.data[0], 200);
    await session.close('test');
    assert.deepEqual(next.ended, ['s1']);
  });
}

test('after an engine has taken over, sound still leaves one delay after it came in, and viewers know', async () => {
  const { timers, session, transport } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(1_000);
  session.setScheduler(new FakeScheduler(180, 100));
  const connectedMs = 5_000;
  assert.equal(transport.originEpochMs, timers.epochMs(connectedMs + session.delayMs));
  await timers.advance(1_000 + session.delayMs);
  assert.equal(transport.audio.length, (1_000 + 1_000) / 20 + 1);
  await session.close('test');
});

test('an engine that takes over hears what was said just before', async () => {
  const { timers, session, transport } = await makeSession();
  session.setMicrophone(new FakeSource(0.5));
  transport.events?.onConnected();
  await timers.advance(1_000);
  const next = new FakeScheduler(40);
  Object.assign(next.spec, { features: { kind: 'sound', historyMs: 1000, lookAheadMs: 40 } });
  session.setScheduler(next);
  await timers.advance(100);
  const { features } = next.jobs[0].job;
  const loudest = (fromMs: number, toMs: number) =>
    Math.max(...features.subarray(fromMs * 16, toMs * 16).map((value) => Math.abs(value)));
  assert.ok(loudest(600, 1080) > 0.3);
  assert.equal(loudest(0, 400), 0);
  await session.close('test');
});
