import { type Avatar, type AvatarClip, GEOMETRY_SIZE } from '../avatars/avatar.ts';

/** What an avatar does: nothing, speak, or act once. */
export type SceneState = 'idle' | 'speaking' | 'action';

/** Which picture of which clip one frame is made of. */
export interface Scene {
  readonly state: SceneState;
  readonly avatar: Avatar;
  readonly clip: AvatarClip;
  /** 0 to `clip.frameCount − 1`. */
  readonly clipFrame: number;
}

/** Sound that waits to be taken in may be this long where an action is put into a pause: a microphone always has some waiting. */
const PAUSE_QUEUE_MS = 200;
/** Actions that may wait for their turn. */
export const MOST_ACTIONS = 4;

/**
 * Directs which clip is seen: one while nothing is said, one under the moving lips, and actions, which are played once from
 * beginning to end. Actions and speech exclude each other: an action waits until nobody speaks, and then speech waits for it.
 * Waiting actions: at most {@link MOST_ACTIONS}, further ones are refused; emptied by {@link next} and by a new avatar.
 */
export class Scenes {
  #avatar: Avatar;
  #idle: AvatarClip;
  /** Null: as while nothing is said. */
  #speaking: AvatarClip | null = null;
  /** What is shown while nothing is said. */
  #rest: 'idle' | 'speaking' = 'idle';
  #actions: AvatarClip[] = [];
  #action: AvatarClip | null = null;
  #last: Pick<Scene, 'clip' | 'clipFrame'> | null = null;

  /** @throws {RangeError} if the avatar has no clip in memory. */
  constructor(avatar: Avatar) {
    this.#avatar = avatar;
    this.#idle = idleClip(avatar);
  }

  get avatar(): Avatar {
    return this.#avatar;
  }

  /** Whether an action is being played: no speech may come now. */
  get isActing(): boolean {
    return this.#action !== null;
  }

  /** Name of the clip that belongs to a state, and is or would be seen in it. */
  clipName(state: 'idle' | 'speaking'): string {
    return (state === 'speaking' ? (this.#speaking ?? this.#idle) : this.#idle).name;
  }

  /** Starts over with another avatar's idle clip. Actions that wait are forgotten. */
  setAvatar(avatar: Avatar): void {
    this.#idle = idleClip(avatar);
    this.#avatar = avatar;
    this.#speaking = null;
    this.#rest = 'idle';
    this.#actions = [];
    this.#action = null;
    this.#last = null;
  }

  /** Sets the clip that belongs to a state. It begins with the picture nearest to the one before. */
  setClip(state: 'idle' | 'speaking', clip: AvatarClip): void {
    if (state === 'idle') this.#idle = clip;
    else this.#speaking = clip;
  }

  /** Which of the two clips is seen while nothing is said. */
  rest(state: 'idle' | 'speaking'): void {
    this.#rest = state;
  }

  /** Adds an action. @returns False if too many wait already. */
  act(clip: AvatarClip): boolean {
    if (this.#actions.length >= MOST_ACTIONS) return false;
    this.#actions.push(clip);
    return true;
  }

  /**
   * The scene of the next frame.
   * @param isTalking Whether a mouth may have to be drawn into it.
   * @param waitingMs Sound that waits to be taken in.
   */
  next(isTalking: boolean, waitingMs: number): Scene {
    const action = this.#nextAction(isTalking, waitingMs);
    const state: SceneState = action ? 'action' : isTalking ? 'speaking' : this.#rest;
    const clip = action?.clip ?? (state === 'speaking' ? (this.#speaking ?? this.#idle) : this.#idle);
    const clipFrame = action?.clipFrame ?? this.#frameOf(clip);
    this.#last = { clip, clipFrame };
    // The last picture of an action ends it.
    if (action && clipFrame === clip.frameCount - 1) this.#action = null;
    return { state, avatar: this.#avatar, clip, clipFrame };
  }

  #nextAction(isTalking: boolean, waitingMs: number): { clip: AvatarClip; clipFrame: number } | null {
    if (this.#action) return { clip: this.#action, clipFrame: (this.#last?.clipFrame ?? -1) + 1 };
    if (isTalking || waitingMs > PAUSE_QUEUE_MS) return null;
    this.#action = this.#actions.shift() ?? null;
    return this.#action && { clip: this.#action, clipFrame: 0 };
  }

  #frameOf(clip: AvatarClip): number {
    if (!this.#last) return 0;
    if (this.#last.clip === clip) return (this.#last.clipFrame + 1) % clip.frameCount;
    return nearestFrame(this.#last.clip, this.#last.clipFrame, clip);
  }
}

/** The frame of `to` in which the face stands most nearly where it stands in that frame of `from`. */
function nearestFrame(from: AvatarClip, fromFrame: number, to: AvatarClip): number {
  const wanted = new Float32Array(from.geometry, fromFrame * GEOMETRY_SIZE * Float32Array.BYTES_PER_ELEMENT, 4);
  const geometry = new Float32Array(to.geometry);
  let nearest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let frame = 0; frame < to.frameCount; frame += 1) {
    const distance = cropDistance(wanted, geometry.subarray(frame * GEOMETRY_SIZE));
    if (distance >= least) continue;
    least = distance;
    nearest = frame;
  }
  return nearest;
}

/** How far two crops lie apart, in pixels squared: their origin, and how much scale and turn move their far corner. */
function cropDistance(first: Float32Array, second: Float32Array): number {
  const cropPx = 128;
  const [da, db, dx, dy] = [0, 1, 2, 3].map((i) => first[i] - second[i]);
  return dx * dx + dy * dy + (da * da + db * db) * cropPx * cropPx;
}

function idleClip(avatar: Avatar): AvatarClip {
  const clip = avatar.clips.find((candidate) => candidate.name === 'idle_0') ?? avatar.clips[0];
  if (!clip) throw new RangeError(`avatar ${avatar.id} has no clip`);
  return clip;
}
