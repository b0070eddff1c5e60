import type { Pixels } from './pixels.ts';

/** Pillow's fixed-point unit for 8-bit pictures. */
const UNIT = 2 ** 22;

interface Filter {
  /** Where it ends, in input pixels when nothing shrinks. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const FILTERS: Readonly<Record<'bilinear' | 'bicubic', Filter>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: bicubic },
};

/**
 * `Image.resize` of Pillow for 8-bit pictures: the filter grows with the picture's shrinking, so that nothing aliases; columns
 * first, then rows, rounded to bytes in between.
 *
 * @returns A new picture.
 */
export function resizeAsPillow(
  picture: Pixels,
  widthPx: number,
  heightPx: number,
  method: 'bilinear' | 'bicubic',
): Pixels {
  const { channels } = picture;
  const across = taps(picture.widthPx, widthPx, FILTERS[method]);
  const narrow = new Uint8ClampedArray(picture.heightPx * widthPx * channels);
  for (let y = 0; y < picture.heightPx; y++) {
    for (const [x, { first, weights }] of across.entries()) {
      for (let c = 0; c < channels; c++) {
        let sum = UNIT / 2;
        for (let k = 0; k < weights.length; k++) {
          sum += picture.data[(y * picture.widthPx + first + k) * channels + c] * weights[k];
        }
        narrow[(y * widthPx + x) * channels + c] = Math.floor(sum / UNIT);
      }
    }
  }
  const rowBytes = widthPx * channels;
  const out = new Uint8ClampedArray(heightPx * rowBytes);
  for (const [y, { first, weights }] of taps(picture.heightPx, heightPx, FILTERS[method]).entries()) {
    for (let i = 0; i < rowBytes; i++) {
      let sum = UNIT / 2;
      for (let k = 0; k < weights.length; k++) sum += narrow[(first + k) * rowBytes + i] * weights[k];
      out[y * rowBytes + i] = Math.floor(sum / UNIT);
    }
  }
  return { widthPx, heightPx, channels, data: new Uint8Array(out.buffer) };
}

/** For each output place the first input place and the weights from there on, times {@link UNIT}. */
function taps(
  inLength: number,
  outLength: number,
  { support, weight }: Filter,
): { first: number; weights: number[] }[] {
  const scale = inLength / outLength;
  const widening = Math.max(1, scale);
  return Array.from({ length: outLength }, (_, at) => {
    const middle = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(middle - support * widening + 0.5));
    const end = Math.min(inLength, Math.trunc(middle + support * widening + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => weight((k + first - middle + 0.5) / widening));
    const sum = raw.reduce((total, value) => total + value, 0);
    return { first, weights: raw.map((value) => roundAway((value / sum) * UNIT)) };
  });
}

/** Keys' cubic with a = -0.5. */
function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((d - 5) * d + 8) * d * a - 4 * a;
  return 0;
}

function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}
