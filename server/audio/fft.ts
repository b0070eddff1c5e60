/**
 * Power spectrum of real blocks whose length is 2·(a product of 2, 4 and 5), by one complex transform of half the length
 * (Stockham's self-sorting form, so nothing is permuted).
 */
export class PowerSpectrum {
  readonly #half: number;
  readonly #stages: readonly Stage[];
  #re: Float64Array;
  #im: Float64Array;
  #nextRe: Float64Array;
  #nextIm: Float64Array;
  readonly #splitCos: Float64Array;
  readonly #splitSin: Float64Array;

  /**
   * @param length Samples of a block.
   * @throws {RangeError} if half of it has factors other than 2 and 5.
   */
  constructor(length: number) {
    this.#half = length / 2;
    this.#stages = planStages(this.#half);
    this.#re = new Float64Array(this.#half);
    this.#im = new Float64Array(this.#half);
    this.#nextRe = new Float64Array(this.#half);
    this.#nextIm = new Float64Array(this.#half);
    this.#splitCos = Float64Array.from({ length: this.#half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / length));
    this.#splitSin = Float64Array.from({ length: this.#half + 1 }, (_, k) => Math.sin((2 * Math.PI * k) / length));
  }

  /**
   * |X|², unscaled.
   *
   * @param block `length` samples. Borrowed.
   * @param out `length / 2 + 1` bins, written completely.
   */
  compute(block: Float64Array, out: Float64Array): void {
    const half = this.#half;
    for (let n = 0; n < half; n += 1) {
      this.#re[n] = block[2 * n];
      this.#im[n] = block[2 * n + 1];
    }
    for (const stage of this.#stages) this.#run(stage);
    // The even and the odd samples were transformed as real and imaginary part; here they come apart again.
    const re = this.#re;
    const im = this.#im;
    for (let k = 0; k <= half; k += 1) {
      const a = k === half ? 0 : k;
      const b = k === 0 ? 0 : half - k;
      const evenRe = (re[a] + re[b]) / 2;
      const evenIm = (im[a] - im[b]) / 2;
      const oddRe = (im[a] + im[b]) / 2;
      const oddIm = (re[b] - re[a]) / 2;
      const cos = this.#splitCos[k];
      const sin = this.#splitSin[k];
      const binRe = evenRe + cos * oddRe + sin * oddIm;
      const binIm = evenIm + cos * oddIm - sin * oddRe;
      out[k] = binRe * binRe + binIm * binIm;
    }
  }

  #run(stage: Stage): void {
    BUTTERFLY[stage.radix](stage, this.#re, this.#im, this.#nextRe, this.#nextIm);
    [this.#re, this.#nextRe] = [this.#nextRe, this.#re];
    [this.#im, this.#nextIm] = [this.#nextIm, this.#im];
  }
}

type Radix = 2 | 4 | 5;

/** One pass: `groups` transforms of `radix` numbers that lie `groups·stride` apart, each for `stride` neighbours. */
interface Stage {
  readonly radix: Radix;
  readonly groups: number;
  readonly stride: number;
  /** Twiddles `exp(−2πi·group·k/(radix·groups))` at `group·radix + k`. */
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

function planStages(length: number): Stage[] {
  const stages: Stage[] = [];
  let rest = length;
  let stride = 1;
  while (rest > 1) {
    const radix = ([5, 4, 2] as const).find((candidate) => rest % candidate === 0);
    if (!radix) throw new RangeError(`a block must have 2·2^a·5^b samples, got ${2 * length}`);
    const groups = rest / radix;
    const angle = (at: number) => (-2 * Math.PI * Math.floor(at / radix) * (at % radix)) / rest;
    const cos = Float64Array.from({ length: rest }, (_, at) => Math.cos(angle(at)));
    const sin = Float64Array.from({ length: rest }, (_, at) => Math.sin(angle(at)));
    stages.push({ radix, groups, stride, cos, sin });
    stride *= radix;
    rest = groups;
  }
  return stages;
}

type Butterfly = (s: Stage, re: Float64Array, im: Float64Array, toRe: Float64Array, toIm: Float64Array) => void;

const radix2: Butterfly = ({ groups, stride, cos, sin }, re, im, toRe, toIm) => {
  const apart = groups * stride;
  for (let p = 0; p < groups; p += 1) {
    const c = cos[2 * p + 1];
    const s = sin[2 * p + 1];
    for (let q = 0; q < stride; q += 1) {
      const i = q + stride * p;
      const o = q + stride * 2 * p;
      const dRe = re[i] - re[i + apart];
      const dIm = im[i] - im[i + apart];
      toRe[o] = re[i] + re[i + apart];
      toIm[o] = im[i] + im[i + apart];
      toRe[o + stride] = dRe * c - dIm * s;
      toIm[o + stride] = dRe * s + dIm * c;
    }
  }
};

const radix4: Butterfly = ({ groups, stride, cos, sin }, re, im, toRe, toIm) => {
  const apart = groups * stride;
  for (let p = 0; p < groups; p += 1) {
    const w = 4 * p;
    for (let q = 0; q < stride; q += 1) {
      const i = q + stride * p;
      const o = q + stride * 4 * p;
      const sumRe = re[i] + re[i + 2 * apart];
      const sumIm = im[i] + im[i + 2 * apart];
      const difRe = re[i] - re[i + 2 * apart];
      const difIm = im[i] - im[i + 2 * apart];
      const oddSumRe = re[i + apart] + re[i + 3 * apart];
      const oddSumIm = im[i + apart] + im[i + 3 * apart];
      const oddDifRe = re[i + apart] - re[i + 3 * apart];
      const oddDifIm = im[i + apart] - im[i + 3 * apart];
      toRe[o] = sumRe + oddSumRe;
      toIm[o] = sumIm + oddSumIm;
      const re1 = difRe + oddDifIm;
      const im1 = difIm - oddDifRe;
      toRe[o + stride] = re1 * cos[w + 1] - im1 * sin[w + 1];
      toIm[o + stride] = re1 * sin[w + 1] + im1 * cos[w + 1];
      const re2 = sumRe - oddSumRe;
      const im2 = sumIm - oddSumIm;
      toRe[o + 2 * stride] = re2 * cos[w + 2] - im2 * sin[w + 2];
      toIm[o + 2 * stride] = re2 * sin[w + 2] + im2 * cos[w + 2];
      const re3 = difRe - oddDifIm;
      const im3 = difIm + oddDifRe;
      toRe[o + 3 * stride] = re3 * cos[w + 3] - im3 * sin[w + 3];
      toIm[o + 3 * stride] = re3 * sin[w + 3] + im3 * cos[w + 3];
    }
  }
};

const COS_72 = Math.cos((2 * Math.PI) / 5);
const SIN_72 = Math.sin((2 * Math.PI) / 5);
const COS_144 = Math.cos((4 * Math.PI) / 5);
const SIN_144 = Math.sin((4 * Math.PI) / 5);

const radix5: Butterfly = ({ groups, stride, cos, sin }, re, im, toRe, toIm) => {
  const apart = groups * stride;
  for (let p = 0; p < groups; p += 1) {
    const w = 5 * p;
    for (let q = 0; q < stride; q += 1) {
      const i = q + stride * p;
      const o = q + stride * 5 * p;
      const x0Re = re[i];
      const x0Im = im[i];
      const sum14Re = re[i + apart] + re[i + 4 * apart];
      const sum14Im = im[i + apart] + im[i + 4 * apart];
      const dif14Re = re[i + apart] - re[i + 4 * apart];
      const dif14Im = im[i + apart] - im[i + 4 * apart];
      const sum23Re = re[i + 2 * apart] + re[i + 3 * apart];
      const sum23Im = im[i + 2 * apart] + im[i + 3 * apart];
      const dif23Re = re[i + 2 * apart] - re[i + 3 * apart];
      const dif23Im = im[i + 2 * apart] - im[i + 3 * apart];
      const near1Re = x0Re + COS_72 * sum14Re + COS_144 * sum23Re;
      const near1Im = x0Im + COS_72 * sum14Im + COS_144 * sum23Im;
      const far1Re = SIN_72 * dif14Im + SIN_144 * dif23Im;
      const far1Im = -SIN_72 * dif14Re - SIN_144 * dif23Re;
      const near2Re = x0Re + COS_144 * sum14Re + COS_72 * sum23Re;
      const near2Im = x0Im + COS_144 * sum14Im + COS_72 * sum23Im;
      const far2Re = SIN_144 * dif14Im - SIN_72 * dif23Im;
      const far2Im = -SIN_144 * dif14Re + SIN_72 * dif23Re;
      toRe[o] = x0Re + sum14Re + sum23Re;
      toIm[o] = x0Im + sum14Im + sum23Im;
      const re1 = near1Re + far1Re;
      const im1 = near1Im + far1Im;
      toRe[o + stride] = re1 * cos[w + 1] - im1 * sin[w + 1];
      toIm[o + stride] = re1 * sin[w + 1] + im1 * cos[w + 1];
      const re2 = near2Re + far2Re;
      const im2 = near2Im + far2Im;
      toRe[o + 2 * stride] = re2 * cos[w + 2] - im2 * sin[w + 2];
      toIm[o + 2 * stride] = re2 * sin[w + 2] + im2 * cos[w + 2];
      const re3 = near2Re - far2Re;
      const im3 = near2Im - far2Im;
      toRe[o + 3 * stride] = re3 * cos[w + 3] - im3 * sin[w + 3];
      toIm[o + 3 * stride] = re3 * sin[w + 3] + im3 * cos[w + 3];
      const re4 = near1Re - far1Re;
      const im4 = near1Im - far1Im;
      toRe[o + 4 * stride] = re4 * cos[w + 4] - im4 * sin[w + 4];
      toIm[o + 4 * stride] = re4 * sin[w + 4] + im4 * cos[w + 4];
    }
  }
};

const BUTTERFLY: Readonly<Record<Radix, Butterfly>> = { 2: radix2, 4: radix4, 5: radix5 };
