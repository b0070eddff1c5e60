import { type Avatar, type AvatarClip, GEOMETRY_SIZE } from '../../avatars/avatar.ts';
import { frameSizeBytes } from '../../codecs/frame.ts';

const SIZE_PX = 256;
const FRAMES = 3;

/** Geometry of a face that is looked at straight, crop and picture in the ratio 1 : 2. */
export const GEOMETRY = Float32Array.of(2, 0, 0, 0, 38, 52, 90, 52, 64, 53, 64, 95, 7, 121);

/** An avatar for tests: plain skin of the given luma, a darker line where the lips meet. */
export function plainAvatar(id: string, skinLuma: number): Avatar {
  const sizeBytes = frameSizeBytes(SIZE_PX, SIZE_PX);
  const frames = new SharedArrayBuffer(sizeBytes * FRAMES);
  const geometry = new SharedArrayBuffer(GEOMETRY_SIZE * 4 * FRAMES);
  for (let frame = 0; frame < FRAMES; frame++) {
    const data = new Uint8Array(frames, frame * sizeBytes, sizeBytes).fill(128);
    data.fill(skinLuma, 0, SIZE_PX * SIZE_PX);
    for (let y = 105; y < 107; y++) data.fill(skinLuma / 2, y * SIZE_PX + 76, y * SIZE_PX + 180);
    new Float32Array(geometry, frame * GEOMETRY_SIZE * 4, GEOMETRY_SIZE).set(GEOMETRY);
  }
  const clip: AvatarClip = { name: 'idle_0', frameCount: FRAMES, frames, geometry };
  const paths = { audioClips: {}, videoPath: '', portraitPath: '' };
  return { id, name: id, widthPx: SIZE_PX, heightPx: SIZE_PX, clips: [clip], storedClips: [], ...paths };
}
