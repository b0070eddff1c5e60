import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { readOnnxMetadata } from './onnx-metadata.ts';

/** Steps of the pipeline that a graph may do itself, so that nobody does them twice or never. */
export type GraphPart = 'positional-encoding' | 'timestep-0' | 'latent-scale' | 'uint8-nhwc-bgr' | 'mean' | 'argmax';

/** Sizes that a graph tells: channels, hidden states, feature rows, mel frames, latent rows, picture rows, and those of a parsed picture. */
export type GraphSize = 'width' | 'layers' | 'positions' | 'melFrames' | 'latent' | 'image' | 'parsingImage';

interface GraphNeeds {
  readonly contains: readonly GraphPart[];
  readonly sizes: readonly GraphSize[];
}

/** The graphs of MuseTalk: what each must do itself, and which sizes it must tell. */
const GRAPHS = {
  'whisper-encoder': { contains: [], sizes: ['width', 'layers', 'positions', 'melFrames'] },
  unet: { contains: ['positional-encoding', 'timestep-0'], sizes: ['width', 'layers', 'latent'] },
  'vae-decoder': { contains: ['latent-scale', 'uint8-nhwc-bgr'], sizes: ['latent', 'image'] },
  'vae-encoder': { contains: ['mean', 'latent-scale'], sizes: ['latent', 'image'] },
  'face-parsing': { contains: ['argmax'], sizes: ['parsingImage'] },
  'unet-decoder': {
    contains: ['positional-encoding', 'timestep-0', 'latent-scale', 'uint8-nhwc-bgr'],
    sizes: ['width', 'layers', 'latent', 'image'],
  },
  'fast-decoder': { contains: ['uint8-nhwc-bgr'], sizes: ['latent', 'image'] },
} as const satisfies Record<string, GraphNeeds>;

export type GraphName = keyof typeof GRAPHS;
export const GRAPH_NAMES = Object.keys(GRAPHS) as readonly GraphName[];

/** What a graph says about itself. */
export interface GraphFacts {
  readonly graph: GraphName;
  /** Such as `musetalk-1.5`. */
  readonly model: string;
  readonly contains: readonly string[];
  readonly precision: 'fp32' | 'fp16';
  /** `random`: made to be tried without the published weights; its pictures are noise. */
  readonly weights: 'published' | 'random';
  /** SHA-256 of the file that it was converted from; null where there was none. */
  readonly sourceSha256: string | null;
  /** Those that the graph tells; the ones that every graph of this name must tell are there. */
  readonly sizes: Readonly<Partial<Record<GraphSize, number>>>;
}

const FORMAT = '1';
const PREFIX = 'musecast.';
const CONVERT = 'python scripts/export/convert.py --from models/musetalk-originals --to models/musetalk';

/** Where `graph` lies in `folder`. */
export function graphFile(folder: string, graph: GraphName): string {
  return join(folder, `${graph}.onnx`);
}

/**
 * Reads what a graph says about itself, and refuses it if that is not what the pipeline counts on. Opens no runtime.
 *
 * @param path Of the `.onnx` file.
 * @param graph Which one it must be.
 * @throws {AppError} `model_missing`, `model_invalid`
 */
export async function requireGraph(path: string, graph: GraphName): Promise<GraphFacts> {
  const metadata = await readOnnxMetadata(path);
  const needs: GraphNeeds = GRAPHS[graph];
  const read = (key: string, expected: string, accepts: (value: string) => boolean): string => {
    const value = metadata.get(PREFIX + key);
    if (value !== undefined && accepts(value)) return value;
    throw unlike(path, key, expected, value);
  };
  read('format', `"${FORMAT}"`, (value) => value === FORMAT);
  read('graph', `"${graph}"`, (value) => value === graph);
  const model = read('model', 'the name of a model', (value) => value !== '');
  const contains = list(metadata.get(`${PREFIX}contains`) ?? '');
  for (const part of needs.contains) {
    if (!contains.includes(part)) throw unlike(path, 'contains', `a list with ${part}`, contains.join(','));
  }
  const precision = read('precision', 'fp32 or fp16', (value) => value === 'fp32' || value === 'fp16');
  const weights = read('weights', 'published or random', (value) => value === 'published' || value === 'random');
  const source = metadata.get(`${PREFIX}source_sha256`) ?? 'none';
  const sizes = readSizes(metadata);
  for (const size of needs.sizes) {
    if (sizes[size] === undefined) read(keyOf(size), 'a whole number of 1 or more', () => false);
  }
  return {
    graph,
    model,
    contains,
    precision: precision as GraphFacts['precision'],
    weights: weights as GraphFacts['weights'],
    sourceSha256: /^[0-9a-f]{64}$/.test(source) ? source : null,
    sizes,
  };
}

/** A size of the graph, which `requireGraph` has seen to be there. */
export function sizeOf(facts: GraphFacts, size: GraphSize): number {
  const value = facts.sizes[size];
  if (value === undefined) throw new TypeError(`graph ${facts.graph} need not tell its ${size}`);
  return value;
}

const SIZES: readonly GraphSize[] = ['width', 'layers', 'positions', 'melFrames', 'latent', 'image', 'parsingImage'];

function readSizes(metadata: ReadonlyMap<string, string>): Partial<Record<GraphSize, number>> {
  const told = SIZES.map((size) => [size, metadata.get(PREFIX + keyOf(size)) ?? ''] as const);
  return Object.fromEntries(
    told.filter(([, text]) => /^[1-9]\d{0,5}$/.test(text)).map(([size, text]) => [size, Number(text)]),
  );
}

/** `melFrames` → `mel_frames`. */
function keyOf(size: GraphSize): string {
  return size.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function unlike(path: string, key: string, expected: string, found: string | undefined): AppError {
  const shown = found === undefined ? 'nothing' : `"${found.slice(0, 100)}"`;
  return new AppError(
    'model_invalid',
    `${path}: metadata ${PREFIX}${key} must be ${expected}, got ${shown}. Convert it again: ${CONVERT}`,
  );
}
