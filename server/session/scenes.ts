import type { Avatar, AvatarClip } from '../avatars/avatar.ts';
import { ClipSight } from './clip-sight.ts';

/** What an avatar does: nothing, wait for somebody to speak, speak, or act once. */
export type SceneState = 'idle' | 'listening' | 'speaking' | 'action';

/**
 * When an action is played: in the next pause of the speech and after those that wait already; or when the speech is over; or at
 * once, instead of the action that is being played and before those that wait.
 */
export type ActionTime = 'next' | 'after speech' | 'now';

/** Which picture of which clip one frame is made of. */
export interface Scene {
  readonly state: SceneState;
  readonly avatar: Avatar;
  readonly clip: AvatarClip;
  /** 0 to `clip.frameCount − 1`. */
  readonly clipFrame: number;
  /** While one clip turns into another: a picture of the one before, and its share, 0..1. */
  readonly before: PastScene | null;
}

/** A picture that is going. */
export interface PastScene {
  readonly clip: AvatarClip;
  readonly clipFrame: number;
  readonly share: number;
}

/** What is said and heard when a frame is shown. */
export interface Hearing {
  /** Whether a mouth may have to be drawn into it. */
  readonly isTalking: boolean;
  /** Sound that waits to be taken in. */
  readonly waitingMs: number;
  /** Whether there is somebody who might speak. */
  readonly isListening?: boolean;
}

/** Sound that waits to be taken in may be this long where an action is put into a pause: a microphone always has some waiting. */
const PAUSE_QUEUE_MS = 200;
/** After so many quiet frames the speech is over: a second. */
const OVER_FRAMES = 25;
/** Actions that may wait for their turn. */
export const MOST_ACTIONS = 4;
/** A cut between pictures that differ by no more than the clips' own steps is not seen. */
const CUT_STEPS = 1;
/** While one clip fades into another, the fading adds this much of such a step to the clips' own. */
const FADE_STEPS = 0.33;
/** Clips that hardly move still have noise, of 255. */
const LEAST_STEP = 0.5;
/** Longest fade, for clips that have no picture in common: a second and a half. */
const MOST_FADE_FRAMES = 37;

interface Place {
  readonly clip: AvatarClip;
  readonly clipFrame: number;
}

/** The place of a frame that was shown. */
interface Going extends Place {
  readonly isLoop: boolean;
}

interface Fade {
  /** Where the clip before was left; it goes on while it fades. */
  readonly from: Going;
  readonly frames: number;
  /** 1 for the first mixed picture. */
  at: number;
}

interface Waiting {
  readonly clip: AvatarClip;
  readonly time: ActionTime;
}

/**
 * Directs which clip is seen: one while nothing is said, one under the moving lips, and actions, which are played once from
 * beginning to end. Actions and speech exclude each other: an action waits until nobody speaks, and then speech waits for it.
 * Waiting actions: at most {@link MOST_ACTIONS}, further ones are refused; emptied by {@link next} and by a new avatar.
 *
 * A clip begins with the picture that is most like the last one, an action with its first, and what differs more than a clip's own
 * pictures do is faded, so that nobody sees where one clip ends. While clips fade, further changes wait.
 */
export class Scenes {
  #avatar: Avatar;
  #idle: AvatarClip;
  /** Null: as while nothing is said. */
  #speaking: AvatarClip | null = null;
  /** What is shown while nothing is said. */
  #rest: 'idle' | 'speaking' = 'idle';
  #waiting: Waiting[] = [];
  #action: AvatarClip | null = null;
  /** Whether the action gives way to another one before its end. */
  #isCut = false;
  #last: Going | null = null;
  #fade: Fade | null = null;
  #quietFrames = 0;

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

  /** The action that is being played, and those that wait, in their order. */
  get actions(): readonly AvatarClip[] {
    return [...(this.#action ? [this.#action] : []), ...this.#waiting.map(({ clip }) => clip)];
  }

  get actionCount(): number {
    return this.#waiting.length + (this.#action ? 1 : 0);
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
    this.#waiting = [];
    this.#action = null;
    this.#isCut = false;
    this.#last = null;
    this.#fade = null;
  }

  /** Sets the clip that belongs to a state. It begins with the picture most like the one before. */
  setClip(state: 'idle' | 'speaking', clip: AvatarClip): void {
    if (state === 'idle') this.#idle = clip;
    else this.#speaking = clip;
  }

  /** Which of the two clips is seen while nothing is said. */
  rest(state: 'idle' | 'speaking'): void {
    this.#rest = state;
  }

  /** Adds an action. @returns False if too many wait already. */
  act(clip: AvatarClip, time: ActionTime = 'next'): boolean {
    if (this.#waiting.length >= MOST_ACTIONS) return false;
    if (time === 'now') {
      this.#isCut = this.#action !== null;
      this.#waiting.unshift({ clip, time });
    } else {
      this.#waiting.push({ clip, time });
    }
    return true;
  }

  /** The scene of the next frame. */
  next({ isTalking, waitingMs, isListening = false }: Hearing): Scene {
    const isQuiet = !isTalking && waitingMs <= PAUSE_QUEUE_MS;
    this.#quietFrames = isQuiet ? this.#quietFrames + 1 : 0;
    const hasBegun = this.#beginAction(isQuiet);
    const state = this.#action ? 'action' : isTalking ? 'speaking' : this.#restState(isListening);
    const place = this.#place(this.#action ?? this.#baseClip(state), hasBegun);
    const before = this.#goneBy();
    this.#last = { ...place, isLoop: this.#action === null };
    // The last picture of an action ends it.
    if (this.#action && place.clipFrame === place.clip.frameCount - 1) this.#endAction();
    return { state, avatar: this.#avatar, ...place, before };
  }

  #restState(isListening: boolean): SceneState {
    if (this.#rest === 'speaking') return 'speaking';
    return isListening ? 'listening' : 'idle';
  }

  #baseClip(state: SceneState): AvatarClip {
    return state === 'speaking' ? (this.#speaking ?? this.#idle) : this.#idle;
  }

  /** @returns Whether an action begins with this frame. */
  #beginAction(isQuiet: boolean): boolean {
    if (this.#fade) return false;
    if (this.#isCut) this.#endAction();
    const [first] = this.#waiting;
    if (this.#action || !first || (!isQuiet && first.time !== 'now')) return false;
    if (first.time === 'after speech' && this.#quietFrames < OVER_FRAMES) return false;
    this.#waiting.shift();
    this.#action = first.clip;
    return true;
  }

  #endAction(): void {
    this.#action = null;
    this.#isCut = false;
  }

  /** Where the frame stands; begins a fade if it must not come at once after the one before. */
  #place(clip: AvatarClip, hasBegun: boolean): Place {
    const last = this.#last;
    if (!last) return { clip, clipFrame: 0 };
    if (this.#fade || (last.clip === clip && !hasBegun)) {
      return { clip: last.clip, clipFrame: (last.clipFrame + 1) % last.clip.frameCount };
    }
    const [sight, lastSight] = [ClipSight.of(this.#avatar, clip), ClipSight.of(this.#avatar, last.clip)];
    const clipFrame = hasBegun ? 0 : sight.nearestTo(lastSight, last.clipFrame);
    const frames = this.#fadeLength(last, { clip, clipFrame });
    // An action must be over no sooner than what leads to it.
    const most = hasBegun ? Math.min(MOST_FADE_FRAMES, clip.frameCount - 1) : MOST_FADE_FRAMES;
    if (frames > 0) this.#fade = { from: last, frames: Math.min(most, frames), at: 0 };
    return { clip, clipFrame };
  }

  /** How many pictures are to be mixed where one place follows another; 0 for a cut. */
  #fadeLength(from: Going, to: Place): number {
    const [sight, next] = [ClipSight.of(this.#avatar, from.clip), ClipSight.of(this.#avatar, to.clip)];
    const step = Math.max(LEAST_STEP, Math.min(sight.largeStep, next.largeStep));
    let distance = sight.distance(from.clipFrame, next, to.clipFrame);
    if (distance <= CUT_STEPS * step) return 0;
    for (let frames = 1; ; frames += 1) {
      // The clips go on, maybe away from each other.
      const toFrame = (to.clipFrame + frames - 1) % to.clip.frameCount;
      distance = Math.max(distance, sight.distance(frameAfter(from, frames), next, toFrame));
      if (distance <= FADE_STEPS * step * (frames + 1) || frames === MOST_FADE_FRAMES) return frames;
    }
  }

  #goneBy(): PastScene | null {
    const fade = this.#fade;
    if (!fade) return null;
    fade.at += 1;
    const { from, frames, at } = fade;
    if (at === frames) this.#fade = null;
    return { clip: from.clip, clipFrame: frameAfter(from, at), share: 1 - at / (frames + 1) };
  }
}

/** Where a clip is so many frames later: a loop goes round, an action stays at its end. */
function frameAfter({ clip, clipFrame, isLoop }: Going, frames: number): number {
  const { frameCount } = clip;
  return isLoop ? (clipFrame + frames) % frameCount : Math.min(clipFrame + frames, frameCount - 1);
}

function idleClip(avatar: Avatar): AvatarClip {
  const clip = avatar.clips.find((candidate) => candidate.name === 'idle_0') ?? avatar.clips[0];
  if (!clip) throw new RangeError(`avatar ${avatar.id} has no clip`);
  return clip;
}
