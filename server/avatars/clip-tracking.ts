import type { Frame } from '../codecs/frame.ts';
import { type MediaInfo, probe } from '../codecs/media-file.ts';
import { AvatarRefused, reportOf } from './avatar-report.ts';
import { clipPictures, type Size } from './clip-reading.ts';
import type { Face } from './face-landmarks.ts';
import { type FaceFinder, type FaceTrack, trackFace } from './face-track.ts';
import { CLOSED_MOUTH, type ClipMeasures, type FrameMeasures } from './findings/clip-findings.ts';
import { eyeOpening, faceHeight, mouthOpening, poseOf, sharpnessOf } from './findings/face-measures.ts';
import { IDLE_FRAMES } from './living/idle-motion.ts';
import { difference, type Glimpse, glimpse, stepsOf } from './loop-closure.ts';
import { CLIP_FRAMES_PER_SECOND } from './prepared-files.ts';
import type { SourceClip } from './source-clips.ts';
import { chooseStretch, type Stretch } from './stretch-choice.ts';

/** Longest loop: 10 s, which take 98 MB of memory. */
const MAX_LOOP_FRAMES = 250;
/** Of an idle clip the best part is looked for in its first 20 s. */
const MAX_IDLE_FRAMES = 500;
/** A clip whose face is lost is used until there if that is enough for a loop. */
const MIN_USEFUL_FRAMES = 75;

/** A clip with its face, and which part of it is used. */
export interface TrackedClip {
  readonly source: SourceClip;
  readonly info: MediaInfo;
  readonly track: FaceTrack;
  readonly stretch: Stretch;
  /** Length of the loop. */
  readonly frameCount: number;
  readonly measures: ClipMeasures;
}

export interface TrackingJob {
  readonly avatarId: string;
  readonly bboxShiftPx: number;
}

/**
 * Follows the face through a clip, measures it, and chooses what becomes a loop.
 *
 * @throws {AvatarRefused} `face_not_found`; {AppError} `media_unreadable`.
 */
export async function trackClip(
  job: TrackingJob,
  source: SourceClip,
  size: Size,
  finder: FaceFinder,
  onProgress: (share: number) => void,
): Promise<TrackedClip> {
  const info = await probe(source.path);
  const isIdle = source.name.startsWith('idle_');
  const count = isIdle ? MAX_IDLE_FRAMES : MAX_LOOP_FRAMES + 1;
  const glimpses: Glimpse[] = [];
  const measured: FrameMeasures[] = [];
  async function* pictures() {
    for await (const frame of clipPictures(source.path, size, { count }, onProgress)) {
      glimpses.push(glimpse(frame));
      yield frame;
    }
  }
  const track = await trackFace(pictures(), finder, {
    minUsefulFrames: MIN_USEFUL_FRAMES,
    notFound: (frame) => faceNotFound(job, source, info, frame),
    onFace: (frame, face) => measured.push(measure(frame, face, info.widthPx / size.widthPx)),
  });
  glimpses.length = track.frameCount;
  const isPhoto = info.kind === 'picture';
  const frames = atAllFrames(measured, track);
  const isClosed = frames.map(({ mouth }) => !isIdle || mouth <= CLOSED_MOUTH);
  const stretch = isPhoto
    ? { firstFrame: 0, fileFrames: IDLE_FRAMES, isMirrored: false }
    : chooseStretch({ glimpses, isClosed }, MAX_LOOP_FRAMES, isIdle);
  const { firstFrame, fileFrames, isMirrored } = stretch;
  const frameCount = isMirrored ? 2 * fileFrames - 2 : fileFrames;
  const measures: ClipMeasures = {
    name: source.name,
    kind: info.kind,
    frames,
    missing: track.missing,
    lostAt: track.lostAt,
    faceCount: track.faceCount,
    rival: track.rival,
    place: track.points[2] / size.widthPx,
    steps: stepsOf(glimpses),
    loop: {
      firstFrame,
      fileFrames: isPhoto ? 1 : fileFrames,
      isMirrored,
      seam: isPhoto || isMirrored ? 0 : difference(glimpses[firstFrame + fileFrames - 1], glimpses[firstFrame]),
    },
  };
  return { source, info, track, stretch, frameCount, measures };
}

function measure(frame: Frame, { points, depths }: Face, sourceScale: number): FrameMeasures {
  return {
    pose: poseOf(points, depths),
    faceHeightPx: faceHeight(points) * sourceScale,
    mouth: mouthOpening(points),
    eyes: eyeOpening(points),
    sharpness: sharpnessOf(frame, points),
  };
}

/** Gives frames without a face what was measured in the one before them that has a face, or else in the first that has. */
function atAllFrames(measured: readonly FrameMeasures[], { missing, frameCount }: FaceTrack): FrameMeasures[] {
  const isMissing = new Set(missing);
  let seen = 0;
  return Array.from({ length: frameCount }, (_, frame) => {
    if (!isMissing.has(frame)) seen++;
    return measured[Math.max(0, seen - 1)];
  });
}

function faceNotFound(
  { avatarId, bboxShiftPx }: TrackingJob,
  { name, path }: SourceClip,
  { kind }: MediaInfo,
  frame: number,
): AvatarRefused {
  const seconds = (frame / CLIP_FRAMES_PER_SECOND).toFixed(2);
  const where = kind === 'picture' ? 'the picture' : `${name}, frame ${frame} (${seconds} s) of`;
  const advice =
    kind === 'picture'
      ? 'Use a photo of a person who looks into the camera, with the whole head in it.'
      : 'Use a video in which the face of one person is seen from the front all the time.';
  const found =
    kind === 'picture' ? 'No face of a person is seen in the picture.' : `From ${seconds} s on no face is seen.`;
  return new AvatarRefused(
    'face_not_found',
    `Avatar ${avatarId}: no face found in ${where} ${path}. Check the path, bbox_shift (${bboxShiftPx}) and that a face is clearly visible from the front in every frame.`,
    reportOf([{ subject: 'faces', level: 'refused', clip: name, frame, value: 0, found, advice }]),
  );
}
