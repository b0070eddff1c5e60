import { pasteBox } from '../../server/avatars/box-paste.ts';
import { LATENT_CHANNELS } from '../../server/avatars/musetalk/prepared-face.ts';
import { frameSizeBytes } from '../../server/codecs/frame.ts';
import { FaceDrawer, type FaceToDraw } from '../../server/engines/musetalk/face-drawer.ts';
import { Hearing, HISTORY_MS, LOOK_AHEAD_MS } from '../../server/engines/musetalk/hearing.ts';
import { WhisperMel } from '../../server/engines/musetalk/whisper-mel.ts';
import { describeError } from '../../server/errors.ts';
import { PROVIDER_IDS, type ProviderId } from '../../server/models/execution-providers.ts';
import { type GraphFacts, sizeOf } from '../../server/models/musetalk-graphs.ts';
import { type GraphSource, openGraphs } from '../../server/models/open-graphs.ts';
import { NARROW_FOLDER } from '../../server/testing/musetalk-narrow.ts';
import type { Bench, BenchRun } from './bench.ts';
import { atLeast, atMost } from './figures.ts';
import { MachineLoad } from './processes.ts';
import { median } from './statistics.ts';
import { readTorchSpeed, type TorchSpeed } from './torch-speed.ts';

const BATCHES = [1, 2, 4, 8, 16] as const;
const MAX_BATCH = 16;
/** A batch is measured again and again for so long, but so many times at least. */
const MEASURE_MS = 3000;
const MEASURE_MS_QUICK = 500;
const LEAST_RUNS = 2;
/** Beyond this for one picture, larger batches tell nothing that is worth the wait. */
const SLOW_MS = 1000;
/** What one picture takes with the networks of full size: UNet 178, decoder 622, half a run of Whisper's encoder 18 (counted from their layers). */
const FULL_SIZE_GFLOP = 818;
const FULL_SIZE_WIDTH = 384;
const FULL_SIZE_LATENT = 32;
/** Half as fast again as MuseTalk's own loop, on a GPU. */
const LEAST_RATIO = 1.5;
const PICTURE_PX = 512;
const BOX = { left: 125, top: 107, right: 383, bottom: 455 };

/** How fast MuseTalk draws on each execution provider of this machine, and where the time goes. */
export const musetalk: Bench = {
  name: 'musetalk',
  summary:
    'pictures per second by batch and provider, time to the first one, stages (--models folder: other than the narrow graphs)',
  run: async (run) => {
    const modelsFolder = run.modelsFolder ?? NARROW_FOLDER;
    const torch = run.besideFile === null ? null : await readTorchSpeed(run.besideFile);
    const load = new MachineLoad();
    measureProcessor(run);
    for (const provider of PROVIDER_IDS) {
      const source: GraphSource = { modelsFolder, executionProviders: [provider], threads: 0, remoteUrl: null };
      try {
        await measureStages(run, source, provider);
        await measureBatches(run, source, provider, torch);
      } catch (error) {
        const { code, message } = describeError(error);
        if (code !== 'engine_failed') throw error;
        run.say(`${provider} cannot compute here: ${message.split('\n').at(-1)?.trim()}`);
      }
    }
    run.say(load.describe());
    if (!torch) {
      run.say(
        'There is no figure beside that of torch, which says how fast this device can be: scripts/export/torch_speed.py measures it for --beside.',
      );
    }
  },
};

/** What the processor does whatever computes the networks. */
function measureProcessor({ figures }: BenchRun): void {
  const sound = noise((HISTORY_MS + 40 + LOOK_AHEAD_MS) * 16);
  const mel = new WhisperMel();
  const out = new Float32Array(80 * 3000);
  figures.add(
    'log-mel of 3 s, CPU',
    timed(() => mel.compute(sound, out)),
    'ms',
  );
  const base = {
    widthPx: PICTURE_PX,
    heightPx: PICTURE_PX,
    data: new Uint8Array(frameSizeBytes(PICTURE_PX, PICTURE_PX)).fill(120),
  };
  const target = { ...base, data: new Uint8Array(base.data.length) };
  const drawing = {
    sizePx: 256,
    picture: Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => i % 251),
    box: BOX,
    mask: maskOf(BOX.right - BOX.left, BOX.bottom - BOX.top),
  };
  figures.add(
    'paste a face, CPU',
    timed(() => pasteBox(target, base, drawing)),
    'ms',
    atMost(4),
  );
}

/** Each network by itself, for one picture. */
async function measureStages(run: BenchRun, source: GraphSource, provider: ProviderId): Promise<void> {
  const { models, facts, close } = await openGraphs(['whisper-encoder', 'unet', 'vae-decoder', 'vae-encoder'], source);
  try {
    describe(run, facts.unet, source.modelsFolder);
    const encoder = facts['whisper-encoder'];
    const [positions, layers, width] = [
      sizeOf(encoder, 'positions'),
      sizeOf(encoder, 'layers'),
      sizeOf(encoder, 'width'),
    ];
    const [latent, image, melFrames] = [
      sizeOf(facts.unet, 'latent'),
      sizeOf(facts['vae-decoder'], 'image'),
      sizeOf(encoder, 'melFrames'),
    ];
    const stages = [
      {
        name: 'whisper-encoder',
        inputs: { input_features: floats(1, 80, melFrames) },
        outputs: { hidden: floats(1, positions, layers, width) },
      },
      {
        name: 'unet',
        inputs: { latents: floats(1, LATENT_CHANNELS, latent, latent), audio: floats(1, 10 * layers, width) },
        outputs: { pred: floats(1, 4, latent, latent) },
      },
      {
        name: 'vae-decoder',
        inputs: { latents: floats(1, 4, latent, latent) },
        outputs: { image: { data: new Uint8Array(image * image * 3), dims: [1, image, image, 3] } },
      },
      {
        name: 'vae-encoder',
        inputs: { image: floats(2, 3, image, image) },
        outputs: { latents: floats(2, 4, latent, latent) },
      },
    ] as const;
    for (const { name, inputs, outputs } of stages) {
      const ms = await repeated(run, () => models[name].run(inputs, outputs));
      run.figures.add(`${provider}: ${name}${name === 'vae-encoder' ? ', preparing one picture' : ''}`, ms, 'ms');
    }
  } finally {
    await close();
  }
}

/** All networks, as the engine runs them. */
async function measureBatches(
  run: BenchRun,
  source: GraphSource,
  provider: ProviderId,
  torch: TorchSpeed | null,
): Promise<void> {
  const openedMs = performance.now();
  const { models, facts, close } = await openGraphs(['whisper-encoder', 'unet-decoder'], source);
  try {
    const encoder = facts['whisper-encoder'];
    const hearing = new Hearing(models['whisper-encoder'], {
      width: sizeOf(encoder, 'width'),
      layers: sizeOf(encoder, 'layers'),
      positions: sizeOf(encoder, 'positions'),
      melFrames: sizeOf(encoder, 'melFrames'),
    });
    const decoder = { model: models['unet-decoder'], facts: facts['unet-decoder'] };
    const drawer = new FaceDrawer(null, decoder, hearing, { maxBatch: MAX_BATCH, isPadded: provider !== 'cpu' });
    const readyMs = performance.now();
    run.figures.add(`${provider}: load and test the networks`, (readyMs - openedMs) / 1000, 's');
    let frame = 0;
    const draw = async (count: number): Promise<void> => {
      await drawer.draw(faces(count, frame++, drawer.latentSize));
    };
    await draw(1);
    run.figures.add(`${provider}: first picture, cold`, performance.now() - readyMs, 'ms');
    let best = 0;
    for (const batch of BATCHES) {
      const ms = await repeated(run, () => draw(batch));
      run.figures.add(`${provider}: batch of ${batch}`, (1000 * batch) / ms, 'pictures/s');
      best = Math.max(best, (1000 * batch) / ms);
      if (batch === 1) run.figures.add(`${provider}: one picture, from its sound`, ms, 'ms');
      if (batch === 1 && sizeOf(encoder, 'width') === FULL_SIZE_WIDTH) {
        run.figures.add(`${provider}: computed per second`, FULL_SIZE_GFLOP / ms, 'TFLOP/s');
      }
      if (ms / batch > SLOW_MS) {
        run.say(
          `${provider} takes ${(ms / 1000).toFixed(1)} s for one picture, ${Math.round(ms / 40)} times as long as it is shown: it is of no use for talking. Larger batches are left out.`,
        );
        break;
      }
    }
    if (torch) compareWithTorch(run, provider, best, drawer.latentSize, torch);
  } finally {
    await close();
  }
}

/** The fastest batch of both; the same device and the same networks alone can be compared. */
function compareWithTorch(
  { figures, say }: BenchRun,
  provider: ProviderId,
  best: number,
  latentSize: number,
  torch: TorchSpeed,
): void {
  if (torch.isCpu !== (provider === 'cpu') || torch.latent !== latentSize) {
    say(`${provider} is not beside torch, which drew latents of ${torch.latent} rows on ${torch.device}.`);
    return;
  }
  const goal = provider === 'cuda' ? atLeast(LEAST_RATIO) : null;
  figures.add(`${provider}: times as fast as torch on ${torch.device}`, best / torch.picturesPerSecond, '', goal);
  if (latentSize === FULL_SIZE_LATENT) {
    const share = (100 * best * FULL_SIZE_GFLOP * 1e9) / torch.matrixFlops;
    figures.add(`${provider}: of the device's rate at matrices`, share, '%');
  }
}

/** One picture of each of `count` sessions. */
function faces(count: number, frame: number, latentSize: number): FaceToDraw[] {
  const drawn = { latents: noise(LATENT_CHANNELS * latentSize ** 2), box: BOX, mask: new Uint8Array(0) };
  const features = noise((HISTORY_MS + 40 + LOOK_AHEAD_MS) * 16);
  return Array.from({ length: count }, (_, i) => ({
    job: { sessionId: `${i}`, generation: 0, frame, avatarId: 'a', clipName: 'idle_0', clipFrame: frame, features },
    frame: drawn,
  }));
}

function describe({ say }: BenchRun, { model, precision, weights }: GraphFacts, folder: string): void {
  say(
    `${model}, ${precision}, ${weights} weights, from ${folder}${folder === NARROW_FOLDER ? ' (narrow: not a measure of MuseTalk)' : ''}`,
  );
}

/** Median time of a run, ms, after a first one that does not count. */
async function repeated({ isQuick }: BenchRun, work: () => Promise<void>): Promise<number> {
  await work();
  const times: number[] = [];
  const untilMs = performance.now() + (isQuick ? MEASURE_MS_QUICK : MEASURE_MS);
  while (times.length < LEAST_RUNS || performance.now() < untilMs) {
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

/** Mean time of the processor for `work`, ms, when it is compiled; what others do in the meantime does not count. */
function timed(work: () => void): number {
  for (let i = 0; i < 40; i++) work();
  const before = process.cpuUsage();
  for (let i = 0; i < 60; i++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / 60;
}

function floats(...dims: number[]) {
  return { data: noise(dims.reduce((product, dim) => product * dim, 1)), dims };
}

function noise(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return 0.3 * (state / 2 ** 31 - 1);
  });
}

/** Weights as masks have them: the lower half. */
function maskOf(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => (i > (width * height) / 2 ? 220 : 0));
}
