import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import { type FileChecksum, fileFrameAt } from '../prepared-files.ts';
import type { Area } from './pixels.ts';

/** Raised when the data changes its meaning, so that older data is made again. */
export const FACE_VERSION = 2;
const MANIFEST = 'manifest.json';
const BOX_NUMBERS = 4;
/** Latents of the picture with its lower half black, then of the whole one. */
export const LATENT_CHANNELS = 8;

/** One clip, as MuseTalk wants it. */
export interface FaceClip {
  readonly name: string;
  /** Pictures of the clip's file; the loop plays them forwards, and backwards again if it is longer. */
  readonly fileFrames: number;
  /** Length of the loop. */
  readonly frameCount: number;
}

/** `manifest.json` of an avatar's `musetalk` folder: what was made, from what, with what. */
export interface FaceManifest {
  readonly version: number;
  /** The avatar's own, see `Manifest.source`. */
  readonly source: string;
  /** SHA-256 of each model file that took part, by name. */
  readonly models: Readonly<Record<string, string>>;
  /** `random`: made by models with random weights. */
  readonly weights: 'published' | 'random';
  /** Where masks come from: a parsing network, or the landmarks alone. */
  readonly maskedBy: 'face-parsing' | 'landmarks';
  /** What found the 68 points of the face: DWPose, or the mesh that all avatars are prepared with. */
  readonly locatedBy: 'dwpose' | 'face-mesh';
  /** Side of a latent. */
  readonly latentSize: number;
  readonly clips: readonly FaceClip[];
  /** The other files of the folder by name. */
  readonly files: Readonly<Record<string, FileChecksum>>;
}

/** What is drawn with on one picture of a clip. */
export interface FaceFrame {
  /** float32 `[8, latentSize, latentSize]`. */
  readonly latents: Float32Array;
  /** Within the avatar's picture. */
  readonly box: Area;
  /** Weights of the box's pixels, 0..255. */
  readonly mask: Uint8Array;
}

/** Where an avatar's data for MuseTalk lies. @param preparedFolder See `preparedPath`. */
export function facePath(preparedFolder: string): string {
  return join(preparedFolder, 'musetalk');
}

/** @returns Null if the folder holds no data of this version. */
export async function readFaceManifest(folder: string): Promise<FaceManifest | null> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const manifest = JSON.parse(text) as FaceManifest;
    return manifest.version === FACE_VERSION ? manifest : null;
  } catch {
    return null;
  }
}

export async function writeFaceManifest(folder: string, manifest: FaceManifest): Promise<void> {
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Writes the frames of a clip's file: `<clip>.latents` float32, `<clip>.boxes` int32 (left, top, right, bottom), `<clip>.masks`. */
export async function writeFaceClip(folder: string, clipName: string, frames: readonly FaceFrame[]): Promise<void> {
  const boxes = Int32Array.from(frames.flatMap(({ box }) => [box.left, box.top, box.right, box.bottom]));
  await writeFile(join(folder, `${clipName}.boxes`), new Uint8Array(boxes.buffer));
  await writeFile(join(folder, `${clipName}.masks`), Buffer.concat(frames.map(({ mask }) => mask)));
  const latents = frames.map(({ latents: { buffer, byteOffset, byteLength } }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  await writeFile(join(folder, `${clipName}.latents`), Buffer.concat(latents));
}

/** The pictures of one clip, in the order of its loop. */
export class PreparedFace {
  readonly #clip: FaceClip;
  readonly #frames: readonly FaceFrame[];

  private constructor(clip: FaceClip, frames: readonly FaceFrame[]) {
    this.#clip = clip;
    this.#frames = frames;
  }

  /** @throws {AppError} `avatar_invalid` if the files are not what the manifest says. */
  static async read(folder: string, clip: FaceClip, { latentSize }: FaceManifest): Promise<PreparedFace> {
    const [boxBytes, masks, latentBytes] = await Promise.all(
      ['boxes', 'masks', 'latents'].map((kind) => readFile(join(folder, `${clip.name}.${kind}`)).catch(() => null)),
    );
    const latentNumbers = LATENT_CHANNELS * latentSize * latentSize;
    const [boxes, latents] = [numbers(Int32Array, boxBytes), numbers(Float32Array, latentBytes)];
    const areas = Array.from({ length: clip.fileFrames }, (_, i) => {
      const [left = 0, top = 0, right = 0, bottom = 0] = boxes.subarray(i * BOX_NUMBERS, (i + 1) * BOX_NUMBERS);
      return { left, top, right, bottom };
    });
    const maskBytes = areas.reduce((sum, area) => sum + sizeOf(area), 0);
    if (
      latents.length !== clip.fileFrames * latentNumbers ||
      boxes.length !== clip.fileFrames * BOX_NUMBERS ||
      masks?.length !== maskBytes
    ) {
      throw new AppError(
        'avatar_invalid',
        `${folder} does not hold ${clip.fileFrames} frames of ${clip.name}. Delete it; it is prepared again at the next start.`,
      );
    }
    let maskAt = 0;
    const frames = areas.map((box, i): FaceFrame => {
      const mask = masks.subarray(maskAt, maskAt + sizeOf(box));
      maskAt += mask.length;
      return { latents: latents.subarray(i * latentNumbers, (i + 1) * latentNumbers), box, mask };
    });
    return new PreparedFace(clip, frames);
  }

  /** @param clipFrame Of the loop; wraps around. */
  at(clipFrame: number): FaceFrame {
    const { frameCount } = this.#clip;
    const index = ((clipFrame % frameCount) + frameCount) % frameCount;
    return this.#frames[fileFrameAt(this.#clip, index)];
  }
}

function sizeOf({ left, top, right, bottom }: Area): number {
  return (right - left) * (bottom - top);
}

/** Bytes as numbers, in memory of their own so that they are aligned. */
function numbers<T>(Kind: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number }, bytes: Uint8Array | null): T {
  const whole = bytes && bytes.length % Kind.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(0);
  return new Kind(Uint8Array.from(whole).buffer);
}
