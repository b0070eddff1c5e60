import { type Frame, frameSizeBytes } from '../codecs/frame.ts';

/** Picture `index` of an endless film: soft coloured waves that drift, and a bright disc that circles once in 50 pictures. */
export function movingPicture(index: number, widthPx = 256, heightPx = 256): Frame {
  const data = new Uint8Array(frameSizeBytes(widthPx, heightPx));
  const turn = (index / 50) * 2 * Math.PI;
  const discX = widthPx * (0.5 + 0.25 * Math.cos(turn));
  const discY = heightPx * (0.5 + 0.25 * Math.sin(turn));
  const radius = Math.min(widthPx, heightPx) / 8;
  for (let y = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const wave = 110 + 40 * Math.sin((x + index) / 23) + 30 * Math.cos((y - index / 2) / 17);
      const edge = Math.min(1, Math.max(0, radius - Math.hypot(x - discX, y - discY)));
      data[y * widthPx + x] = Math.round(wave * (1 - edge) + 210 * edge);
    }
  }
  const lumaBytes = widthPx * heightPx;
  const chromaWidth = widthPx / 2;
  for (let y = 0; y < heightPx / 2; y++) {
    for (let x = 0; x < chromaWidth; x++) {
      const at = lumaBytes + y * chromaWidth + x;
      data[at] = Math.round(128 + 30 * Math.sin((x - index) / 31));
      data[at + lumaBytes / 4] = Math.round(128 + 30 * Math.cos((y + index) / 29));
    }
  }
  return { widthPx, heightPx, data };
}

/** A picture of one colour, given as limited-range Y, U, V. */
export function flatPicture(luma: number, u: number, v: number, widthPx = 64, heightPx = 64): Frame {
  const data = new Uint8Array(frameSizeBytes(widthPx, heightPx));
  const lumaBytes = widthPx * heightPx;
  data.fill(luma, 0, lumaBytes);
  data.fill(u, lumaBytes, lumaBytes + lumaBytes / 4);
  data.fill(v, lumaBytes + lumaBytes / 4);
  return { widthPx, heightPx, data };
}

/** Likeness of two pictures' luma in dB; above 35 a difference is hard to see, Infinity for equal pictures. */
export function lumaPsnrDb(a: Frame, b: Frame): number {
  const lumaBytes = a.widthPx * a.heightPx;
  let squares = 0;
  for (let i = 0; i < lumaBytes; i++) squares += (a.data[i] - b.data[i]) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / lumaBytes));
}
