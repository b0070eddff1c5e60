import {
  type Avatar,
  type AvatarClip,
  avatarFrame,
  CROP_SIZE_PX,
  FRAME_GEOMETRY,
  GEOMETRY_SIZE,
} from '../../avatars/avatar.ts';
import { cutMouth, MOUTH_CROP_BYTES } from '../../avatars/mouth-crop.ts';
import { MOUTH_PARAMETERS, type MouthPatch } from '../engine.ts';
import { type FaceLook, type FacePicture, lookAt } from './face-look.ts';
import { OVERLAY_BYTES, OVERLAY_SIZE_PX, paintInside, type TexelBox } from './mouth-inside.ts';
import { FLOW_GRID_SIZE, FLOW_SIZE, MASK_BYTES, type PictureNetwork } from './picture-network.ts';

const ROUND = MOUTH_PARAMETERS.indexOf('round');
const TONGUE = MOUTH_PARAMETERS.indexOf('tongue');
const NODE_PX = CROP_SIZE_PX / (FLOW_GRID_SIZE - 1);
/** Frames of a clip that are looked at for colours, which do not change within a clip. */
const SAMPLED_FRAMES = 8;
/** The jaw is where the chin is, but not so low that the crop's border holds it. */
const LOWEST_CHIN_V = 104;

/** One frame's closed mouth, all that is needed to draw another in its place. */
export interface ClosedMouth {
  /** See `cutMouth`. */
  readonly planes: Uint8Array;
  /** See `FRAME_GEOMETRY`. */
  readonly geometry: Float32Array;
  readonly look: FaceLook;
}

/** The closed mouth of a single picture. */
export function closedMouth({ frame, geometry }: FacePicture): ClosedMouth {
  const planes = new Uint8Array(MOUTH_CROP_BYTES);
  cutMouth(frame, geometry, planes);
  return { planes, geometry, look: lookAt([{ frame, geometry }]) };
}

/** The closed mouths of one clip, cut when they are first drawn on and kept: 24 KB per frame. */
export class ClosedMouths {
  readonly #avatar: Avatar;
  readonly #clip: AvatarClip;
  readonly #geometry: Float32Array;
  readonly #look: FaceLook;
  readonly #known: (ClosedMouth | undefined)[];

  constructor(avatar: Avatar, clip: AvatarClip) {
    this.#avatar = avatar;
    this.#clip = clip;
    this.#geometry = new Float32Array(clip.geometry);
    this.#known = new Array(clip.frameCount);
    const count = Math.min(SAMPLED_FRAMES, clip.frameCount);
    this.#look = lookAt(
      Array.from({ length: count }, (_, n) => this.#picture(Math.floor((n * clip.frameCount) / count))),
    );
  }

  /** @param clipFrame Wraps around. @returns Never to be written. */
  at(clipFrame: number): ClosedMouth {
    const { frameCount } = this.#clip;
    const index = ((clipFrame % frameCount) + frameCount) % frameCount;
    const known = this.#known[index];
    if (known) return known;
    const { frame, geometry } = this.#picture(index);
    const planes = new Uint8Array(MOUTH_CROP_BYTES);
    cutMouth(frame, geometry, planes);
    const mouth = { planes, geometry, look: this.#look };
    this.#known[index] = mouth;
    return mouth;
  }

  #picture(index: number): FacePicture {
    const geometry = this.#geometry.subarray(index * GEOMETRY_SIZE, (index + 1) * GEOMETRY_SIZE);
    return { frame: avatarFrame(this.#avatar, this.#clip, index), geometry };
  }
}

/** Draws one mouth at a time into memory of its own. */
export class MouthDrawer {
  readonly #network: PictureNetwork;
  readonly #flow = new Float32Array(FLOW_SIZE);
  readonly #mask = new Uint8Array(MASK_BYTES);
  readonly #overlay = new Uint8Array(OVERLAY_BYTES);
  readonly #painted: TexelBox = { left: 0, right: 0, top: 0, bottom: 0 };

  /** @param network Shared by the thread's drawers; stays the caller's. */
  constructor(network: PictureNetwork) {
    this.#network = network;
  }

  /**
   * @param parameters The eight numbers, 0..1, in the order of `MOUTH_PARAMETERS`; kept in the patch.
   * @param closed Borrowed until the promise settles.
   * @returns The patch, borrowed until the next call.
   * @throws {AppError} `engine_failed` if the network fails.
   */
  async draw(parameters: Float32Array, { planes, geometry, look }: ClosedMouth): Promise<MouthPatch> {
    const [flow, mask] = [this.#flow, this.#mask];
    await this.#network.draw(planes, parameters, flow, mask);
    const jawPx = dropAt(
      flow,
      geometry[FRAME_GEOMETRY.LINE_U],
      Math.min(geometry[FRAME_GEOMETRY.CHIN_V], LOWEST_CHIN_V),
    );
    const [round, tongue] = [parameters[ROUND], parameters[TONGUE]];
    paintInside({ mask, geometry, look, jawPx, round, tongue }, this.#overlay, this.#painted);
    return {
      gridSize: FLOW_GRID_SIZE,
      flow,
      sizePx: OVERLAY_SIZE_PX,
      overlay: this.#painted.bottom > 0 ? this.#overlay : null,
      parameters,
    };
  }
}

/** How far the skin at a place of the crop has gone down, in crop pixels; at least 0. */
function dropAt(flow: Float32Array, u: number, v: number): number {
  const node = Math.round(v / NODE_PX) * FLOW_GRID_SIZE + Math.round(u / NODE_PX);
  return Math.max(0, -flow[node * 2 + 1]);
}
