import { BATCH_SIZES } from '../../../server/scheduler/batch-times.ts';
import type { BatchTime } from '../../../server/scheduler/messages.ts';

/**
 * How long cards of a class take for a batch of MuseTalk's mouths. Derived, not measured: from the work of the networks, the frame
 * rates that others published and the memory bandwidths in the makers' data sheets.
 */

/** GFLOP of one mouth: UNet 178, decoder 622, or 35 for the small one of the tier `fast`. */
const UNET_GFLOP = 178;
const DECODER_GFLOP = { full: 622, fast: 35 };
/** Kernels of one run, by the nodes of our graphs that compute something; small batches take no less than starting them. */
const UNET_KERNELS = 1_100;
const DECODER_KERNELS = { full: 230, fast: 90 };
const KERNEL_START_MS = 0.006;
/** Hearing (Whisper runs for each session by itself) and pasting a mouth into its picture, assumed. */
const HOST_MS_PER_MOUTH = 1.4;
/** LiveTalking's README: an RTX 4090 draws 72 mouths a second, in batches of 16. */
const RTX_4090_GFLOPS = 72 * (UNET_GFLOP + DECODER_GFLOP.full);
const RTX_4090_GB_PER_S = 1_008;

export type Tier = keyof typeof DECODER_GFLOP;

export interface CardClass {
  readonly name: string;
  readonly tier: Tier;
  /** By size of batch. */
  readonly times: readonly BatchTime[];
}

/** The published rate, carried over by memory bandwidth: most layers of these networks wait for memory, not for arithmetic. */
function cardClass(name: string, gbPerS: number, tier: Tier): CardClass {
  const gflopPerMs = (RTX_4090_GFLOPS * gbPerS) / RTX_4090_GB_PER_S / 1000;
  const partMs = (count: number, gflop: number, kernels: number) =>
    Math.max(kernels * KERNEL_START_MS, (count * gflop) / gflopPerMs);
  const ms = (count: number) =>
    partMs(count, UNET_GFLOP, UNET_KERNELS) +
    partMs(count, DECODER_GFLOP[tier], DECODER_KERNELS[tier]) +
    count * HOST_MS_PER_MOUTH;
  return { name, tier, times: BATCH_SIZES.map((size) => ({ size, ms: ms(size) })) };
}

export const CARD_CLASSES: readonly CardClass[] = [
  cardClass('A10', 600, 'full'),
  cardClass('A10', 600, 'fast'),
  cardClass('RTX 4090', RTX_4090_GB_PER_S, 'full'),
  cardClass('RTX 4090', RTX_4090_GB_PER_S, 'fast'),
  cardClass('H100', 3_350, 'full'),
  cardClass('H100', 3_350, 'fast'),
];
