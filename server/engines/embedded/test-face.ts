import { join } from 'node:path';
import type { Frame } from '../../codecs/frame.ts';
import { readPictures } from '../../codecs/media-file.ts';

const VIDEO = join(import.meta.dirname, '../../../avatars/sam/idle_0.mp4');
const SIDE_PX = 512;
/** See `FRAME_GEOMETRY`. */
const PLACE = [1.966, 0.018, 131.101, 259.887, 37.628, 49.504, 89.628, 48.916, 64.024, 50.105, 64.107, 93.526, 8, 119];

/** A face for tests: the first picture of a demo avatar, and where preparing it finds the mouth. */
export interface TestFace {
  readonly picture: Frame;
  readonly geometry: Float32Array;
}

export async function testFace(): Promise<TestFace> {
  const options = { widthPx: SIDE_PX, heightPx: SIDE_PX, framesPerSecond: 25 };
  for await (const { widthPx, heightPx, data } of readPictures(VIDEO, options)) {
    const picture = { widthPx, heightPx, data: Uint8Array.from(data) };
    return { picture, geometry: Float32Array.from(PLACE) };
  }
  throw new TypeError(`${VIDEO} has no picture`);
}
