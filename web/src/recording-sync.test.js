import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correction, RecordingSync } from './recording-sync.js';

test('a large offset is jumped over, a small one made up by a little speed, a tiny one left alone', () => {
  assert.deepEqual(correction(0.5), { jumpS: 0.5, rate: 1 });
  assert.deepEqual(correction(-0.5), { jumpS: -0.5, rate: 1 });
  assert.deepEqual(correction(0.02), { jumpS: 0, rate: 1.02 });
  assert.deepEqual(correction(-0.09), { jumpS: 0, rate: 0.97 });
  assert.deepEqual(correction(0.003), { jumpS: 0, rate: 1 });
});

/** A video and an audio element whose time the test moves: pictures come every 40 ms, the recording plays in between. */
function rig({ allowed = true } = {}) {
  /** @type {((nowMs: number, frame: object) => void)[]} */
  const waiting = [];
  const video = { requestVideoFrameCallback: (call) => waiting.push(call) };
  const audio = {
    HAVE_FUTURE_DATA: 3,
    readyState: 4,
    seeking: false,
    currentTime: 0,
    playbackRate: 1,
    isPlaying: false,
    plays: 0,
    addEventListener() {},
    pause() {
      this.isPlaying = false;
    },
    async play() {
      this.plays += 1;
      if (!allowed) throw new DOMException('no click yet', 'NotAllowedError');
      this.isPlaying = true;
    },
  };
  const origin = 4_294_967_000; // the time stamps wrap within the first picture
  const sync = new RecordingSync(video, audio, origin);
  let frame = 0;
  const show = async (frames, lagS = 0) => {
    for (let i = 0; i < frames; i += 1) {
      const displayed = performance.now();
      for (const call of waiting.splice(0)) {
        call(displayed, { rtpTimestamp: (origin + frame * 3600) % 2 ** 32, expectedDisplayTime: displayed });
      }
      await Promise.resolve();
      frame += 1;
      if (audio.isPlaying) audio.currentTime += 0.04 * audio.playbackRate + lagS;
    }
  };
  return { sync, audio, waiting, show, shownS: () => frame * 0.04 };
}

test('the recording begins where the picture is, across the wrap of time stamps too', async () => {
  const { audio, show, shownS } = rig();
  await show(1);
  assert.equal(audio.plays, 1);
  await show(100);
  assert.ok(Math.abs(audio.currentTime - shownS()) < 0.02, `${audio.currentTime} ${shownS()}`);
});

test('a recording that falls behind or slips is brought back', async () => {
  const { audio, show, shownS } = rig();
  await show(20);
  audio.currentTime -= 0.6;
  await show(30);
  assert.ok(Math.abs(audio.currentTime - shownS()) < 0.02);
  audio.currentTime += 0.05;
  await show(150);
  assert.ok(Math.abs(audio.currentTime - shownS()) < 0.01, `${audio.currentTime - shownS()}`);
});

test('where the browser wants a click first, each picture tries again', async () => {
  const { audio, show } = rig({ allowed: false });
  await show(5);
  assert.ok(audio.plays > 1);
});

test('after close nothing is watched and the recording stands still', async () => {
  const { sync, audio, waiting, show } = rig();
  await show(3);
  sync.close();
  await show(3);
  assert.deepEqual([audio.isPlaying, waiting.length], [false, 0]);
});
