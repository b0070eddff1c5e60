import type { Frame } from '../codecs/frame.ts';

/** Side of the mouth crop that engines see and draw in, in pixels. */
export const CROP_SIZE_PX = 128;

/**
 * Where the mouth crop lies in one frame: a similarity transform from crop to frame pixels,
 * `x = a·u − b·v + tx`, `y = b·u + a·v + ty` with (u, v) in 0..{@link CROP_SIZE_PX}.
 * In every crop the mouth centre lies at {@link CROP_MOUTH} and the face is upright; the crop reaches from the
 * nose base to below the chin.
 */
export interface CropTransform {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/** Canonical crop coordinates (u, v) of the middle of the closed mouth. */
export const CROP_MOUTH = { u: 64, v: 52 } as const;
/** Canonical distance between the mouth corners of a relaxed face in the crop, in crop pixels. */
export const CROP_MOUTH_WIDTH = 52;

/** Numbers per frame in {@link AvatarClip.geometry}; the fields in order are in {@link FRAME_GEOMETRY}. */
export const GEOMETRY_SIZE = 14;

/**
 * Offsets into a frame's geometry. `A B TX TY` are the {@link CropTransform}; the rest are in crop pixels: the closed
 * mouth's left and right corner (as seen in the picture), the middle of the line between the lips, the chin's lowest point, and
 * where the face ends on the left and on the right at the height of that line.
 */
export const FRAME_GEOMETRY = {
  A: 0,
  B: 1,
  TX: 2,
  TY: 3,
  LEFT_U: 4,
  LEFT_V: 5,
  RIGHT_U: 6,
  RIGHT_V: 7,
  LINE_U: 8,
  LINE_V: 9,
  CHIN_U: 10,
  CHIN_V: 11,
  FACE_LEFT_U: 12,
  FACE_RIGHT_U: 13,
} as const;

/** One looping clip of an avatar at 25 fps. Memory is shared between all threads and never written. */
export interface AvatarClip {
  /** `idle_N`, `speaking_N` or `action_N`. */
  readonly name: string;
  readonly frameCount: number;
  /** `frameCount` I420 pictures back to back (see `Frame`). */
  readonly frames: SharedArrayBuffer;
  /** float32, `frameCount` × {@link GEOMETRY_SIZE}. */
  readonly geometry: SharedArrayBuffer;
}

/** A clip that is on disk only, see `loadStoredClip`. */
export interface StoredClip {
  /** `speaking_N` or `action_N`. */
  readonly name: string;
  /** Length of the loop. */
  readonly frameCount: number;
  /** Pictures in the file; the loop plays them forwards, and backwards again if it is longer. */
  readonly fileFrames: number;
  /** Where its geometry lies, absolute. */
  readonly folder: string;
  /** Side of its pictures. */
  readonly sizePx: number;
  /** Its pictures, relative to the folder. */
  readonly file: string;
}

/** A face that can speak: structured-cloneable, so that it can be sent to workers; its pixels are shared, not copied. */
export interface Avatar {
  /** Key in the configuration, `[A-Za-z0-9_-]{1,64}`. */
  readonly id: string;
  /** What people read. */
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Where its prepared data lies, absolute; absent of one that was made in memory. */
  readonly folder?: string;
  /** In memory; at least `idle_0`. */
  readonly clips: readonly AvatarClip[];
  /** On disk only, to be loaded when somebody wants to see them. */
  readonly storedClips: readonly StoredClip[];
  /** Sample speech: name → absolute path of a wav file. */
  readonly audioClips: Readonly<Record<string, string>>;
  /** As configured; shown to clients as `video_path`. */
  readonly videoPath: string;
  /** PNG or JPEG of the first frame for galleries, absolute path. */
  readonly portraitPath: string;
}

/** What is told of an avatar whether or not its pictures are in memory. */
export type AvatarCard = Pick<Avatar, 'id' | 'name' | 'audioClips' | 'videoPath' | 'portraitPath'>;

/** Names of all clips, those in memory first. */
export function clipNames({ clips, storedClips }: Pick<Avatar, 'clips' | 'storedClips'>): string[] {
  return [...clips, ...storedClips].map(({ name }) => name);
}

/** Picture `index` of `clip`, which wraps around. A view into the shared memory. */
export function avatarFrame(avatar: Avatar, clip: AvatarClip, index: number): Frame {
  const sizeBytes = (avatar.widthPx * avatar.heightPx * 3) / 2;
  const at = ((index % clip.frameCount) + clip.frameCount) % clip.frameCount;
  return {
    widthPx: avatar.widthPx,
    heightPx: avatar.heightPx,
    data: new Uint8Array(clip.frames, at * sizeBytes, sizeBytes),
  };
}
