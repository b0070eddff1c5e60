import type { Finding, FindingLevel, FindingSubject } from '../avatar-report.ts';
import type { FacePose } from './face-measures.ts';

/** What was measured in one frame. */
export interface FrameMeasures {
  readonly pose: FacePose;
  /** From forehead to chin, in pixels of the source. */
  readonly faceHeightPx: number;
  /** See `mouthOpening`, `eyeOpening` and `sharpnessOf`. */
  readonly mouth: number;
  readonly eyes: number;
  readonly sharpness: number;
}

/** What was measured in one clip. */
export interface ClipMeasures {
  readonly name: string;
  /** `folder`: of pictures, which have no rate of their own. */
  readonly kind: 'video' | 'picture' | 'folder';
  /** Of every frame, at least one; those without a face repeat another. */
  readonly frames: readonly FrameMeasures[];
  /** Frames without a face. */
  readonly missing: readonly number[];
  /** See `FaceTrack`. */
  readonly lostAt: number | null;
  /** Most faces seen at once. */
  readonly faceCount: number;
  /** See `FaceTrack`. */
  readonly rival: number;
  /** Where the face that was taken lies in the first frame, as a share of the picture's width. */
  readonly place: number;
  /** How much each picture differs from the one before, from the second one on; of 255. */
  readonly steps: readonly number[];
  /** How the used pictures run. */
  readonly loop: {
    readonly firstFrame: number;
    readonly fileFrames: number;
    readonly isMirrored: boolean;
    /** How much the first picture differs from the last; 0 for what is mirrored. */
    readonly seam: number;
  };
}

/** Smallest face that is used, and smallest that is shown no larger than it is. */
const MIN_FACE_PX = 48;
const GOOD_FACE_PX = 200;
/** Turns in degrees up to which a face looks into the camera, and beyond which half of it is hidden. */
const GOOD_TURN: FacePose = { yaw: 18, pitch: 18, roll: 20 };
const MAX_TURN: FacePose = { yaw: 38, pitch: 35, roll: 60 };
/** A second face that is nearly as large as the first one could be the one that is meant. */
const MAX_RIVAL = 0.85;
/** A face less sharp than this looks soft beside a drawn mouth. */
const GOOD_SHARPNESS = 0.3;
/** A mouth that is open wider speaks or laughs. */
export const CLOSED_MOUTH = 0.09;
/** Eyes less open than this are closed. */
const OPEN_EYES = 0.2;
/** A step so many times as large as the usual, and so large in any case, is a cut. */
const CUT_TIMES = 8;
const CUT_STEP = 12;
/** Steps below this are no steps: the picture is shown twice. */
const REPEATED_STEP = 0.01;
const REPEATED_SHARE = 0.1;
/** A step from the last picture to the first that is larger than the clip's largest, but for one in a hundred, is seen. */
const SEAM_SHARE = 0.99;
const SEAM_TIMES = 1.5;
const FRAMES_PER_SECOND = 25;

/** Everything that people should know about a clip, in the order of the subjects. */
export function findingsOf(clip: ClipMeasures): Finding[] {
  const isPhoto = clip.kind === 'picture';
  const isIdle = clip.name.startsWith('idle_');
  return [
    faces(clip),
    ...(isPhoto ? [] : [missingFaces(clip)]),
    faceSize(clip),
    pose(clip),
    blur(clip),
    ...(isIdle ? [mouthOpen(clip)] : []),
    eyesClosed(clip),
    ...(isPhoto ? [] : [cuts(clip)]),
    ...(clip.kind === 'video' ? [repeatedFrames(clip)] : []),
    ...(isPhoto || clip.name.startsWith('action_') ? [] : [loop(clip)]),
  ];
}

function faces({ name, faceCount, place, rival }: ClipMeasures): Finding {
  const note = noter('faces', name, null, faceCount);
  if (faceCount <= 1) return note('ok', 'One face.');
  const where = place < 0.4 ? 'on the left' : place > 0.6 ? 'on the right' : 'in the middle';
  const share = Math.round(100 * rival);
  if (rival > MAX_RIVAL) {
    const found = `${faceCount} faces, and none is clearly the largest: the second is ${share} % as high as the first.`;
    return noter('faces', name, 0, faceCount)('refused', found, 'Cut the picture so that only one person is seen.');
  }
  const why = rival > 0 ? `, since the next one is ${share} % as high` : '';
  return note(
    'advice',
    `${faceCount} faces; the one ${where} was taken${why}.`,
    'Cut the picture so that only one person is seen.',
  );
}

function missingFaces({ name, missing, frames, lostAt }: ClipMeasures): Finding {
  if (lostAt !== null) {
    const found = `From ${(lostAt / FRAMES_PER_SECOND).toFixed(1)} s on the face is gone; only what comes before is used.`;
    return noter('missing_face', name, lostAt, lostAt)('advice', found, 'Keep the face in the picture all the time.');
  }
  const note = noter('missing_face', name, missing[0] ?? null, missing.length);
  if (missing.length === 0) return note('ok', 'The face is seen in every picture.');
  const found = `${missing.length} of ${frames.length} pictures show no face; its place there is that of the pictures around them.`;
  return note('advice', found, 'Keep hands and other things away from the face.');
}

function faceSize({ name, frames }: ClipMeasures): Finding {
  const frame = worst(frames, ({ faceHeightPx }) => -faceHeightPx);
  const px = Math.round(median(frames.map(({ faceHeightPx }) => faceHeightPx)));
  const note = noter('face_size', name, frame, px);
  const found = `The face is ${px} pixels high.`;
  if (px < MIN_FACE_PX)
    return note('refused', found, `Use a picture in which it has at least ${MIN_FACE_PX}, better ${GOOD_FACE_PX}.`);
  if (px < GOOD_FACE_PX)
    return note('advice', found, `It will look soft; with ${GOOD_FACE_PX} and more it looks as sharp as it is.`);
  return note('ok', found);
}

function pose({ name, frames }: ClipMeasures): Finding {
  const turn = (limits: FacePose, { yaw, pitch, roll }: FacePose) =>
    Math.max(Math.abs(yaw) / limits.yaw, Math.abs(pitch) / limits.pitch, Math.abs(roll) / limits.roll);
  const frame = worst(frames, (each) => turn(GOOD_TURN, each.pose));
  const typical = median(frames.map((each) => turn(GOOD_TURN, each.pose)));
  const isHidden = median(frames.map((each) => turn(MAX_TURN, each.pose))) > 1;
  const { yaw, pitch, roll } = frames[frame].pose;
  const turns = [
    Math.abs(yaw) > GOOD_TURN.yaw &&
      `${Math.abs(Math.round(yaw))}° to the ${yaw > 0 ? 'right' : 'left'} of the picture`,
    Math.abs(pitch) > GOOD_TURN.pitch && `${Math.abs(Math.round(pitch))}° ${pitch > 0 ? 'down' : 'up'}`,
    Math.abs(roll) > GOOD_TURN.roll && `tilted by ${Math.abs(Math.round(roll))}°`,
  ].filter((part) => part !== false);
  const largest = Math.round(Math.max(Math.abs(yaw), Math.abs(pitch), Math.abs(roll)));
  const note = noter('pose', name, frame, largest);
  if (isHidden) {
    return note(
      'refused',
      `The face is seen from the side: turned ${turns.join(', ')}.`,
      'Use a picture in which the person looks into the camera.',
    );
  }
  if (typical > 1 || turn(MAX_TURN, frames[frame].pose) > 1) {
    return note(
      'advice',
      `The face turns ${turns.join(', ')}.`,
      'The mouth fits best when the person looks into the camera.',
    );
  }
  return note('ok', 'The face looks into the camera.');
}

function blur({ name, frames }: ClipMeasures): Finding {
  const frame = worst(frames, ({ sharpness }) => -sharpness);
  const typical = median(frames.map(({ sharpness }) => sharpness));
  const note = noter('blur', name, frame, round(typical));
  if (typical >= GOOD_SHARPNESS) return note('ok', 'The face is sharp.');
  return note(
    'advice',
    'The face is blurred.',
    'Use more light, wipe the lens, hold the camera still, and do not enlarge small pictures.',
  );
}

function mouthOpen({ name, kind, frames, loop: { firstFrame, fileFrames } }: ClipMeasures): Finding {
  const used = frames.slice(firstFrame, firstFrame + fileFrames);
  const open = used.filter(({ mouth }) => mouth > CLOSED_MOUTH).length;
  const frame = firstFrame + worst(used, ({ mouth }) => mouth);
  const note = noter('mouth_open', name, frame, round(frames[frame].mouth));
  if (open === 0) return note('ok', 'The mouth is closed.');
  if (kind === 'picture') {
    return note(
      'advice',
      'The mouth is open, and stays so in silence.',
      'Use a picture with the lips closed; the mouth is moved best from there.',
    );
  }
  const share = Math.round((100 * open) / used.length);
  return note(
    'advice',
    `The mouth is open in ${share} % of the pictures that are used; no stretch with closed lips is long enough.`,
    'Film somebody who listens with closed lips.',
  );
}

function eyesClosed({ name, kind, frames }: ClipMeasures): Finding {
  const closed = frames.filter(({ eyes }) => eyes < OPEN_EYES).length / frames.length;
  const frame = worst(frames, ({ eyes }) => -eyes);
  const note = noter('eyes_closed', name, frame, round(closed));
  if (closed < 0.4) return note('ok', 'The eyes are open.');
  const found =
    kind === 'picture'
      ? 'The eyes are closed or nearly so, so they do not blink.'
      : `The eyes are closed in ${Math.round(100 * closed)} % of the pictures.`;
  return note('advice', found, 'Use a picture with open eyes.');
}

function cuts({ name, steps }: ClipMeasures): Finding {
  const usual = median(steps);
  const at = steps.flatMap((step, i) => (step > CUT_STEP && step > CUT_TIMES * usual ? [i + 1] : []));
  const note = noter('cuts', name, at[0] ?? null, at.length);
  if (at.length === 0) return note('ok', 'No cuts.');
  return note(
    'advice',
    `${at.length === 1 ? 'One cut' : `${at.length} cuts`}, where the picture jumps.`,
    'Use one take without a cut.',
  );
}

function repeatedFrames({ name, steps }: ClipMeasures): Finding {
  const repeated = steps.flatMap((step, i) => (step < REPEATED_STEP ? [i + 1] : []));
  const share = repeated.length / Math.max(1, steps.length);
  const note = noter('repeated_frames', name, repeated[0] ?? null, round(share));
  if (share <= REPEATED_SHARE) return note('ok', 'Every picture is a new one.');
  const found = `${Math.round(100 * share)} % of the pictures only repeat the one before: the source has fewer than ${FRAMES_PER_SECOND} a second, or lost some.`;
  return note('advice', found, 'Film with 25 or 30 pictures a second; movements jerk with fewer.');
}

function loop({ name, steps, loop: { fileFrames, isMirrored, seam, firstFrame } }: ClipMeasures): Finding {
  const seconds = ((isMirrored ? 2 * fileFrames - 2 : fileFrames) / FRAMES_PER_SECOND).toFixed(1);
  const from = firstFrame > 0 ? ` from ${(firstFrame / FRAMES_PER_SECOND).toFixed(1)} s on` : '';
  if (isMirrored) {
    const note = noter('loop', name, null, null);
    const found = `A loop of ${seconds} s${from} that runs there and back, since its end does not lead to its start.`;
    return note('advice', found, 'End in the pose of the beginning, then it runs forwards only.');
  }
  const largest = quantile(steps, SEAM_SHARE);
  const times = largest > 0 ? seam / largest : 0;
  const note = noter('loop', name, firstFrame, round(times));
  const found = `A loop of ${seconds} s${from}; the step from its end to its start is ${times.toFixed(1)} times its largest other one.`;
  if (times <= SEAM_TIMES) return note('ok', found);
  return note('advice', found, 'End in the pose of the beginning.');
}

function noter(subject: FindingSubject, clip: string, frame: number | null, value: number | null) {
  return (level: FindingLevel, found: string, advice: string | null = null): Finding => {
    return { subject, level, clip, frame: level === 'ok' ? null : frame, value, found, advice };
  };
}

function worst(frames: readonly FrameMeasures[], badness: (frame: FrameMeasures) => number): number {
  const all = frames.map(badness);
  return all.indexOf(Math.max(...all));
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
