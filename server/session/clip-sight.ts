import type { Avatar, AvatarClip } from '../avatars/avatar.ts';
import { frameSizeBytes } from '../codecs/frame.ts';

/** Places per row and column at which pictures are compared. */
const GRID = 24;
const PLACES = GRID * GRID;
/** All but one in a hundred of a clip's steps are no larger than its large step. */
const LARGE_STEP_SHARE = 0.99;

/** What a clip looks like at a glance, to find pictures in it that are like others. */
export class ClipSight {
  /** How much a picture of the clip differs from the one before, but for one in a hundred; the mean over all places, of 255. */
  readonly largeStep: number;
  readonly #glimpses: Uint8Array;
  readonly #frameCount: number;

  private constructor(avatar: Pick<Avatar, 'widthPx' | 'heightPx'>, { frames, frameCount }: AvatarClip) {
    const { widthPx, heightPx } = avatar;
    const sizeBytes = frameSizeBytes(widthPx, heightPx);
    const places = Array.from({ length: PLACES }, (_, i) => {
      const x = Math.floor((((i % GRID) + 0.5) * widthPx) / GRID);
      return Math.floor(((Math.floor(i / GRID) + 0.5) * heightPx) / GRID) * widthPx + x;
    });
    const pixels = new Uint8Array(frames);
    this.#frameCount = frameCount;
    this.#glimpses = new Uint8Array(PLACES * frameCount);
    for (let frame = 0, at = 0; frame < frameCount; frame += 1) {
      for (const place of places) this.#glimpses[at++] = pixels[frame * sizeBytes + place];
    }
    const steps = Array.from({ length: frameCount - 1 }, (_, i) => this.distance(i, this, i + 1)).sort((a, b) => a - b);
    this.largeStep = steps[Math.floor(steps.length * LARGE_STEP_SHARE)] ?? 0;
  }

  /** Looks at a clip: 2 ms for ten seconds of it, once as long as its pictures are in memory. */
  static of(avatar: Pick<Avatar, 'widthPx' | 'heightPx'>, clip: AvatarClip): ClipSight {
    const known = sights.get(clip.frames) ?? new ClipSight(avatar, clip);
    sights.set(clip.frames, known);
    return known;
  }

  /** How much a picture differs from one of another clip of the avatar: the mean over all places, of 255. */
  distance(frame: number, other: ClipSight, otherFrame: number): number {
    const [from, to] = [frame * PLACES, otherFrame * PLACES];
    let sum = 0;
    for (let i = 0; i < PLACES; i += 1) sum += Math.abs(this.#glimpses[from + i] - other.#glimpses[to + i]);
    return sum / PLACES;
  }

  /** The picture that is most like one of another clip; the first of several. */
  nearestTo(other: ClipSight, otherFrame: number): number {
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let frame = 0; frame < this.#frameCount; frame += 1) {
      const distance = this.distance(frame, other, otherFrame);
      if (distance >= least) continue;
      least = distance;
      nearest = frame;
    }
    return nearest;
  }
}

const sights = new WeakMap<SharedArrayBuffer, ClipSight>();
