import { CROP_SIZE_PX, FRAME_GEOMETRY } from '../../avatars/avatar.ts';
import { MOUTH_PARAMETERS, type WarpPatch } from '../engine.ts';
import type { ClosedMouth } from './closed-mouths.ts';
import { keepToFace } from './face-reach.ts';
import { OVERLAY_BYTES, OVERLAY_SIZE_PX, paintInside, type TexelBox } from './mouth-inside.ts';
import { FLOW_GRID_SIZE, FLOW_SIZE, MASK_BYTES, type PictureNetwork } from './picture-network.ts';

const ROUND = MOUTH_PARAMETERS.indexOf('round');
const TONGUE = MOUTH_PARAMETERS.indexOf('tongue');
const NODE_PX = CROP_SIZE_PX / (FLOW_GRID_SIZE - 1);
/** The jaw is where the chin is, but not so low that the crop's border holds it. */
const LOWEST_CHIN_V = 104;

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
  async draw(parameters: Float32Array, { features, geometry, look, reach }: ClosedMouth): Promise<WarpPatch> {
    const [flow, mask] = [this.#flow, this.#mask];
    await this.#network.draw(features, parameters, flow, mask);
    keepToFace(flow, reach);
    const jawPx = dropAt(
      flow,
      geometry[FRAME_GEOMETRY.LINE_U],
      Math.min(geometry[FRAME_GEOMETRY.CHIN_V], LOWEST_CHIN_V),
    );
    const [round, tongue] = [parameters[ROUND], parameters[TONGUE]];
    paintInside({ mask, geometry, look, jawPx, round, tongue }, this.#overlay, this.#painted);
    return {
      kind: 'warp',
      gridSize: FLOW_GRID_SIZE,
      flow,
      sizePx: OVERLAY_SIZE_PX,
      overlay: this.#painted.bottom > 0 ? this.#overlay : null,
      painted: this.#painted,
      parameters,
    };
  }
}

/** How far the skin at a place of the crop has gone down, in crop pixels; at least 0. */
function dropAt(flow: Float32Array, u: number, v: number): number {
  const node = Math.round(v / NODE_PX) * FLOW_GRID_SIZE + Math.round(u / NODE_PX);
  return Math.max(0, -flow[node * 2 + 1]);
}
