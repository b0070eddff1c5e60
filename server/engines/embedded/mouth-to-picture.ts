import type { MouthPatch } from '../engine.ts';
import type { FaceLook } from './face-look.ts';
import { FLOW_GRID_SIZE, writeFlow } from './mouth-flow.ts';
import { OVERLAY_SIZE_PX, paintInside, type TexelBox } from './mouth-inside.ts';
import { MouthShape } from './mouth-shape.ts';

/** The eight numbers below this draw nothing that could be seen. */
const SMALLEST = 0.004;

/** Draws one mouth at a time, from the eight numbers and the frame's geometry, into memory of its own. */
export class MouthDrawer {
  readonly #shape = new MouthShape();
  readonly #flow = new Float32Array(FLOW_GRID_SIZE * FLOW_GRID_SIZE * 2);
  readonly #overlay = new Uint8Array(OVERLAY_SIZE_PX * OVERLAY_SIZE_PX * 4);
  readonly #painted: TexelBox = { left: 0, right: 0, top: 0, bottom: 0 };

  /**
   * @param parameters The eight numbers, 0..1, in the order of `MOUTH_PARAMETERS`; kept in the patch.
   * @param geometry The frame's geometry, see `FRAME_GEOMETRY`. Borrowed for the call.
   * @returns The patch, borrowed until the next call; null if the mouth is closed and at rest.
   */
  draw(parameters: Float32Array, geometry: Float32Array, look: FaceLook): MouthPatch | null {
    if (parameters.every((value) => value < SMALLEST)) return null;
    this.#shape.set(parameters, geometry, look);
    writeFlow(this.#shape, this.#flow);
    paintInside(this.#shape, look, this.#overlay, this.#painted);
    return {
      gridSize: FLOW_GRID_SIZE,
      flow: this.#flow,
      sizePx: OVERLAY_SIZE_PX,
      overlay: this.#painted.bottom > 0 ? this.#overlay : null,
      parameters,
    };
  }
}
