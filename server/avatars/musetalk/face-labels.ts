import type { Landmarks68 } from './landmarks-68.ts';
import type { Area } from './pixels.ts';

/** Side of the pictures that faces are parsed in. */
export const LABELS_SIZE_PX = 512;

/** Labels of the parsing network (CelebAMask) that count here. */
export const LABEL = { skin: 1, nose: 10, mouth: 11, upperLip: 12, lowerLip: 13 } as const;

const JAW = range(0, 16);
const BROWS = range(17, 26);
const NOSE = [27, ...range(31, 35)];
const LIPS = range(48, 59);

/**
 * What the parsing network would say of a face, roughly, from its landmarks alone: the skin within the jaw line and the brows, nose and lips
 * on it. For those who do not have that network.
 *
 * @param around The crop that the labels are of, in pixels of the picture.
 * @returns `512 × 512` labels.
 */
export function labelsFromLandmarks(landmarks: Landmarks68, around: Area): Uint8Array {
  const scale = LABELS_SIZE_PX / (around.right - around.left);
  const at = (index: number): readonly [number, number] => [
    (landmarks[2 * index] - around.left) * scale,
    (landmarks[2 * index + 1] - around.top) * scale,
  ];
  const labels = new Uint8Array(LABELS_SIZE_PX * LABELS_SIZE_PX);
  fill(labels, [...JAW, ...BROWS.toReversed()].map(at), LABEL.skin);
  fill(labels, NOSE.map(at), LABEL.nose);
  fill(labels, LIPS.map(at), LABEL.upperLip);
  return labels;
}

/** Labels the pixels whose centres lie within a polygon. */
function fill(labels: Uint8Array, corners: readonly (readonly [number, number])[], label: number): void {
  for (let y = 0; y < LABELS_SIZE_PX; y++) {
    const crossings = corners.flatMap(([x0, y0], i) => {
      const [x1, y1] = corners[(i + 1) % corners.length];
      const isCrossed = y0 <= y + 0.5 !== y1 <= y + 0.5;
      return isCrossed ? [x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0)] : [];
    });
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k] - 0.5));
      const to = Math.min(LABELS_SIZE_PX, Math.ceil(crossings[k + 1] - 0.5));
      if (to > from) labels.fill(label, y * LABELS_SIZE_PX + from, y * LABELS_SIZE_PX + to);
    }
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
