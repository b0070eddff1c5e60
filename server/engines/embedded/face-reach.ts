import { CROP_SIZE_PX, FRAME_GEOMETRY } from '../../avatars/avatar.ts';
import { FLOW_GRID_SIZE } from './picture-network.ts';
import { smoothStep } from './smooth-step.ts';

const NODE_PX = CROP_SIZE_PX / (FLOW_GRID_SIZE - 1);
/** So far beside the face everything still goes along, less and less, in crop pixels: skin that bends needs room to do so. */
const FADING_PX = 9;
/** The neck goes along with the chin above it: so much of the face's half width, and where that ends. */
const NECK_SHARE = 0.45;
const NECK_FADING = 0.2;

/**
 * Says how much of what lies where in the crop a mouth may move: the face and the neck below it, not the hair and not the background.
 * The outline below the mouth is taken for |x|^1.5 + |y|^1.5 = 1 from the face's sides to the chin, which fits the mesh of faces
 * looking into the camera within two hundredths of their width.
 *
 * @param geometry See `FRAME_GEOMETRY`.
 * @returns Per node of the flow 0..255. Takes a tenth of a millisecond, so it is kept with the frame.
 */
export function faceReach(geometry: Float32Array): Uint8Array {
  const line = geometry[FRAME_GEOMETRY.LINE_V];
  const chinU = geometry[FRAME_GEOMETRY.CHIN_U];
  const height = Math.max(1, geometry[FRAME_GEOMETRY.CHIN_V] - line);
  const left = Math.max(1, chinU - geometry[FRAME_GEOMETRY.FACE_LEFT_U]);
  const right = Math.max(1, geometry[FRAME_GEOMETRY.FACE_RIGHT_U] - chinU);
  const reach = new Uint8Array(FLOW_GRID_SIZE * FLOW_GRID_SIZE).fill(255);
  for (let j = 0, at = 0; j < FLOW_GRID_SIZE; j++) {
    const dv = Math.max(0, j * NODE_PX - line);
    const y = dv / height;
    for (let i = 0; i < FLOW_GRID_SIZE; i++, at++) {
      const du = Math.abs(i * NODE_PX - chinU);
      const x = du / (i * NODE_PX < chinU ? left : right);
      const sum = x * Math.sqrt(x) + y * Math.sqrt(y);
      if (sum <= 1 || x <= NECK_SHARE) continue;
      // How far outside something lies is measured towards the middle of the mouth.
      const outsidePx = (1 - 1 / Math.cbrt(sum * sum)) * Math.hypot(du, dv);
      const beside = smoothStep((x - NECK_SHARE) / NECK_FADING);
      reach[at] = Math.round(255 * (1 - beside * smoothStep(outsidePx / FADING_PX)));
    }
  }
  return reach;
}

/**
 * Takes movement away from what lies beside the face. What counts is where a pixel comes from: the chin that goes down covers
 * what was below it.
 *
 * @param flow As `MouthPatch.flow`; changed in place.
 */
export function keepToFace(flow: Float32Array, reach: Uint8Array): void {
  const most = FLOW_GRID_SIZE - 1.001;
  for (let j = 0, at = 0; j < FLOW_GRID_SIZE; j++) {
    for (let i = 0; i < FLOW_GRID_SIZE; i++, at += 2) {
      if (flow[at] === 0 && flow[at + 1] === 0) continue;
      const x = Math.min(Math.max(i + flow[at] / NODE_PX, 0), most);
      const y = Math.min(Math.max(j + flow[at + 1] / NODE_PX, 0), most);
      const [column, row] = [Math.floor(x), Math.floor(y)];
      const from = row * FLOW_GRID_SIZE + column;
      const upper = reach[from] + (reach[from + 1] - reach[from]) * (x - column);
      const below = from + FLOW_GRID_SIZE;
      const lower = reach[below] + (reach[below + 1] - reach[below]) * (x - column);
      const share = (upper + (lower - upper) * (y - row)) / 255;
      flow[at] *= share;
      flow[at + 1] *= share;
    }
  }
}
