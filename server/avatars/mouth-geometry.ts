import { CROP_MOUTH, CROP_MOUTH_WIDTH, type CropTransform, FRAME_GEOMETRY as FIELD, GEOMETRY_SIZE } from './avatar.ts';
import { FACE_POINTS } from './face-landmarks.ts';
import { FACE_POINT, type FaceShape, fitSimilarity, type Place, placeOf, shapeToCrop, toCrop } from './face-shape.ts';
import { smoothLoop } from './loop-smoothing.ts';

const { LEFT_EYE, RIGHT_EYE, NOSE_BASE, LEFT_CORNER, RIGHT_CORNER, UPPER_LIP, CHIN } = FACE_POINT;
const { LEFT_OUTLINE, RIGHT_OUTLINE } = FACE_POINT;
const LIPS_MIDDLE = [FACE_POINT.UPPER_LIP_MIDDLE, FACE_POINT.LOWER_LIP_MIDDLE];
/** What says where the mouth is: the parts of it that stay in place when it opens. */
const MOUTH = [LEFT_CORNER, RIGHT_CORNER, ...UPPER_LIP];
/** What says how large the face is and how it is turned. */
const FACE = [...LEFT_EYE, ...RIGHT_EYE, ...NOSE_BASE, ...MOUTH];

/** Frames on each side that smooth a landmark. It trembles from frame to frame; a nod turns within eight. */
const SMOOTHING_FRAMES = 3;
/** A long chin makes the crop larger, so that it ends below this; in crop pixels. */
const LOWEST_CHIN_V = 116;
/** The mean face stands still after two rounds of averaging. */
const MEAN_ROUNDS = 4;

/**
 * Says for every frame where the mouth crop lies and where the mouth is in it.
 *
 * All clips of an avatar share one mean face, so the crop is as large relative to the face in all of them. Its size and turn
 * follow the whole middle of the face, its place follows the mouth.
 *
 * @param clips Landmarks per clip, `frameCount × FACE_POINTS × (x, y)` in frame pixels; every clip is a loop. Borrowed.
 * @param bboxShiftPx Moves the crop, not the mouth, down by so many frame pixels.
 * @returns Per clip, float32 `frameCount × GEOMETRY_SIZE`.
 */
export function mouthGeometry(clips: readonly Float32Array[], bboxShiftPx = 0): Float32Array[] {
  const shapes = clips.map((points) => shapesOf(smoothLoop(points, 2 * FACE_POINTS, SMOOTHING_FRAMES)));
  const mean = meanFace(shapes.flat());
  return shapes.map((frames) => {
    const geometry = new Float32Array(frames.length * GEOMETRY_SIZE);
    for (const [index, face] of frames.entries()) {
      const crop = cropOf(face, mean, bboxShiftPx);
      const fields = geometry.subarray(index * GEOMETRY_SIZE);
      fields.set([crop.a, crop.b, crop.tx, crop.ty], FIELD.A);
      fields.set(toCrop(crop, placeOf(face, LEFT_CORNER)), FIELD.LEFT_U);
      fields.set(toCrop(crop, placeOf(face, RIGHT_CORNER)), FIELD.RIGHT_U);
      // The mesh never sees a mouth quite closed; where the lips meet is the middle between the two.
      const line = toCrop(crop, placeOf(face, LIPS_MIDDLE));
      fields.set(line, FIELD.LINE_U);
      fields.set(toCrop(crop, placeOf(face, CHIN)), FIELD.CHIN_U);
      const upright = shapeToCrop(crop, face);
      fields[FIELD.FACE_LEFT_U] = edgeAt(upright, LEFT_OUTLINE, line[1]);
      fields[FIELD.FACE_RIGHT_U] = edgeAt(upright, RIGHT_OUTLINE, line[1]);
    }
    return geometry;
  });
}

function shapesOf(points: Float32Array): FaceShape[] {
  const size = 2 * FACE_POINTS;
  return Array.from({ length: points.length / size }, (_, i) => points.subarray(i * size, (i + 1) * size));
}

function cropOf(face: FaceShape, mean: FaceShape, bboxShiftPx: number): CropTransform {
  const { a, b } = fitSimilarity(mean, face, FACE);
  const [u, v] = placeOf(mean, MOUTH);
  const [x, y] = placeOf(face, MOUTH);
  return { a, b, tx: x - a * u + b * v, ty: y - b * u - a * v + bboxShiftPx };
}

/** Where an outline that runs down crosses a height: its u there, or at its nearest end. */
function edgeAt(shape: FaceShape, outline: readonly number[], v: number): number {
  const below = outline.findIndex((index) => placeOf(shape, index)[1] > v);
  const [u1, v1] = placeOf(shape, outline.at(below < 0 ? -1 : below) ?? 0);
  if (below <= 0) return u1;
  const [u0, v0] = placeOf(shape, outline[below - 1]);
  return u0 + ((u1 - u0) * (v - v0)) / (v1 - v0);
}

/** The mean of all faces in crop coordinates, after each was moved, turned and sized to lie best on it (Procrustes). */
function meanFace(faces: readonly FaceShape[]): FaceShape {
  let mean = toCanonical(faces[0]);
  for (let round = 0; round < MEAN_ROUNDS; round++) {
    const sum = new Float32Array(mean.length);
    for (const face of faces) {
      const aligned = shapeToCrop(fitSimilarity(mean, face, FACE), face);
      for (let i = 0; i < sum.length; i++) sum[i] += aligned[i] / faces.length;
    }
    mean = toCanonical(sum);
  }
  return mean;
}

/** Puts a face upright with its mouth where every crop has it. */
function toCanonical(face: FaceShape): FaceShape {
  const [leftEye, rightEye] = [placeOf(face, LEFT_EYE), placeOf(face, RIGHT_EYE)];
  const [left, right] = [placeOf(face, LEFT_CORNER), placeOf(face, RIGHT_CORNER)];
  const middle = placeOf(face, LIPS_MIDDLE);
  const angle = Math.atan2(
    rightEye[1] - leftEye[1] + right[1] - left[1],
    rightEye[0] - leftEye[0] + right[0] - left[0],
  );
  const scale = Math.max(
    distance(left, right) / CROP_MOUTH_WIDTH,
    distance(middle, placeOf(face, CHIN)) / (LOWEST_CHIN_V - CROP_MOUTH.v),
  );
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const { u, v } = CROP_MOUTH;
  return shapeToCrop({ a, b, tx: middle[0] - a * u + b * v, ty: middle[1] - b * u - a * v }, face);
}

function distance(p: Place, q: Place): number {
  return Math.hypot(q[0] - p[0], q[1] - p[1]);
}
