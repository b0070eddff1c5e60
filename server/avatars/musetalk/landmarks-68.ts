/**
 * The 68 points of the iBUG-300W scheme, which MuseTalk was made with, as points of the MediaPipe face mesh: those of the mesh that lie where
 * iBUG's annotators put theirs. Left and right as seen in the picture.
 *
 * The box needs three things of them: the outermost points of the jaw line (0 and 16, before the ears), the chin (8), and point 29,
 * a third of the way from the tip of the nose up to the root. On the demo faces the mesh's point 5 lies within 2 pixels of that, of a face 350 pixels high.
 */
export const MESH_OF_68: readonly number[] = [
  // 0-16: the jaw line from ear to ear
  ...[127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356],
  // 17-26: brows
  ...[71, 63, 105, 66, 107, 336, 296, 334, 293, 301],
  // 27-30: the bridge of the nose from the root to the tip
  ...[168, 197, 5, 1],
  // 31-35: under the nose
  ...[98, 97, 2, 326, 327],
  // 36-47: eyes
  ...[33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380],
  // 48-59: the lips' outer line
  ...[61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181],
  // 60-67: their inner line
  ...[78, 82, 13, 312, 308, 317, 14, 87],
];

/** Where the 68 points of one face lie: `68 × (x, y)`, whole pixels, cut off as MuseTalk cuts them off. */
export type Landmarks68 = Int32Array;

/** @param points `FACE_POINTS × (x, y)` in pixels of the picture. Borrowed. */
export function landmarks68(points: Float32Array): Landmarks68 {
  return Int32Array.from(MESH_OF_68.flatMap((index) => [points[2 * index], points[2 * index + 1]]));
}
