import assert from 'node:assert/strict';
import { CHUNK_SAMPLES } from '../audio/pcm.ts';
import { OPUS_DELAY_SAMPLES } from '../codecs/opus-encoder.ts';
import { VIDEO_TICKS_PER_FRAME } from '../codecs/packet.ts';
import type { FakeTransport } from './fakes.ts';

/** Checks that every 20 ms of sound and every picture came, each once and in order. */
export function assertWhole({ audio, video }: FakeTransport): void {
  assert.deepEqual(
    audio.map(({ timestamp }) => timestamp),
    audio.map((_, i) => i * CHUNK_SAMPLES - OPUS_DELAY_SAMPLES),
  );
  assert.deepEqual(
    video.map(({ timestamp }) => timestamp),
    video.map((_, i) => i * VIDEO_TICKS_PER_FRAME),
  );
}
