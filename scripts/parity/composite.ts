import { resizeAsOpenCv } from '../../server/avatars/musetalk/opencv-resize.ts';
import { type Area, crop, type Pixels } from '../../server/avatars/musetalk/pixels.ts';

/**
 * The box of a frame with a face in it, in the frame's own colours, as MuseTalk does it. The server does the same in I420, see
 * `pasteBox`.
 *
 * @param face Stretched over the box.
 * @param mask Weights of the box's pixels, 0..255.
 */
export function compositeBox(frame: Pixels, face: Pixels, box: Area, mask: Uint8Array): Pixels {
  const body = crop(frame, box);
  const stretched = resizeAsOpenCv(face, body.widthPx, body.heightPx, 'linear');
  const data = body.data.map((value, i) => {
    const weight = mask[Math.floor(i / 3)];
    return Math.floor((weight * stretched.data[i] + (255 - weight) * value) / 255 + 0.5);
  });
  return { ...body, data };
}
