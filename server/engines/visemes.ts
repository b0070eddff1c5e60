import { MOUTH_PARAMETERS } from './engine.ts';

/** The 15 visemes that most 3-D avatars know, as Oculus and Ready Player Me name them: silence, consonants, vowels. */
export const VISEMES = [
  'sil',
  'PP',
  'FF',
  'TH',
  'DD',
  'kk',
  'CH',
  'SS',
  'nn',
  'RR',
  'aa',
  'E',
  'ih',
  'oh',
  'ou',
] as const;

export type Viseme = (typeof VISEMES)[number];

/**
 * What the mouth does in the middle of each viseme, in the order of `MOUTH_PARAMETERS`. Set by hand and judged on drawn faces,
 * not measured from speakers. Silence is the closed mouth at rest.
 */
export const VISEME_PROTOTYPES: Readonly<Record<Viseme, readonly number[]>> = {
  //    jaw   lower upper spread round press tuck tongue
  sil: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  PP: [0.0, 0.0, 0.0, 0.0, 0.05, 1.0, 0.0, 0.0],
  FF: [0.05, 0.0, 0.3, 0.05, 0.0, 0.0, 1.0, 0.0],
  TH: [0.18, 0.15, 0.05, 0.05, 0.0, 0.0, 0.0, 1.0],
  DD: [0.16, 0.15, 0.0, 0.12, 0.0, 0.0, 0.0, 0.6],
  kk: [0.18, 0.1, 0.0, 0.05, 0.0, 0.0, 0.0, 0.1],
  CH: [0.07, 0.4, 0.25, 0.0, 0.55, 0.0, 0.0, 0.3],
  SS: [0.03, 0.38, 0.18, 0.35, 0.0, 0.0, 0.0, 0.3],
  nn: [0.12, 0.08, 0.0, 0.08, 0.0, 0.0, 0.0, 0.8],
  RR: [0.12, 0.2, 0.0, 0.0, 0.45, 0.0, 0.0, 0.3],
  aa: [0.55, 0.05, 0.0, 0.05, 0.0, 0.0, 0.0, 0.0],
  E: [0.3, 0.1, 0.0, 0.3, 0.0, 0.0, 0.0, 0.1],
  ih: [0.16, 0.12, 0.12, 0.42, 0.0, 0.0, 0.0, 0.2],
  oh: [0.42, 0.0, 0.0, 0.0, 0.65, 0.0, 0.0, 0.0],
  ou: [0.16, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
};

/**
 * These leave lips and jaw to their neighbours, and a mouth in between looks like them by chance: they count for less, so that
 * it goes to those that shape the lips.
 */
const SHARE: Readonly<Partial<Record<Viseme, number>>> = { DD: 0.55, kk: 0.45, nn: 0.55 };

/**
 * How far, as a squared distance of parameters, a prototype may be for its weight to fall to 1/e: a mouth on a prototype
 * gives it most of the weight, one between two gives both their share.
 */
const REACH = 0.02;

/** The tables above in the order of {@link VISEMES}, without names. */
const ROWS = VISEMES.map((viseme) => ({ row: VISEME_PROTOTYPES[viseme], share: SHARE[viseme] ?? 1 }));

/**
 * How much of each viseme is in a mouth: a softmax over the squared distances to the prototypes. What the parameters hardly
 * tell apart (k from a barely open a, d from n) shares the weight.
 *
 * @param parameters The eight numbers, 0..1, in the order of `MOUTH_PARAMETERS`. Borrowed for the call.
 * @returns One weight per viseme, in the order of {@link VISEMES}; 0..1, their sum is 1. A new array.
 */
export function visemeWeights(parameters: Float32Array): Float32Array {
  const distances = ROWS.map(({ row }) => squaredDistance(parameters, row));
  // The nearest is taken as the origin, so that a mouth far from all of them does not divide zero by zero.
  const nearest = Math.min(...distances);
  const weights = Float32Array.from(ROWS, ({ share }, i) => share * Math.exp((nearest - distances[i]) / REACH));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function squaredDistance(parameters: Float32Array, row: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < MOUTH_PARAMETERS.length; i += 1) sum += (parameters[i] - row[i]) ** 2;
  return sum;
}
