import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../../codecs/frame.ts';
import { readPictures } from '../../codecs/media-file.ts';
import { toRgb } from '../../codecs/picture.ts';
import { AppError } from '../../errors.ts';
import type { ProviderId } from '../../models/execution-providers.ts';
import type { Model } from '../../models/model.ts';
import { OnnxModel } from '../../models/onnx-model.ts';
import { type GraphSource, hasGraph, type OpenedGraphs, openGraphs } from '../../models/open-graphs.ts';
import { FACE_POINTS, FaceLandmarks } from '../face-landmarks.ts';
import { type FaceFinder, trackFace } from '../face-track.ts';
import { CLIP_FRAMES_PER_SECOND, type PreparedClip } from '../prepared-files.ts';
import { DwPose } from './dw-pose.ts';
import { cropAround, faceBox } from './face-box.ts';
import { labelsFromLandmarks } from './face-labels.ts';
import { FaceEncoder, FaceParser } from './face-networks.ts';
import { type Landmarks68, landmarks68 } from './landmarks-68.ts';
import { jawRegion, mouthMask } from './mouth-mask.ts';
import { type Area, crop, type Pixels } from './pixels.ts';
import { type FaceFrame, writeFaceClip } from './prepared-face.ts';

/** Frames that are encoded in one run. */
const FRAMES_PER_RUN = 4;
/** The part of a clip's time that goes into finding the face where models run on a GPU; elsewhere the models take nearly all of it. */
const TRACKING_SHARE = 0.1;

/** What is to be made for MuseTalk; can be sent to another process. */
export interface FaceJob {
  readonly avatarId: string;
  /** Of the avatar's manifest; paths are relative to it. */
  readonly preparedFolder: string;
  readonly clips: readonly PreparedClip[];
  /** Side of their pictures. */
  readonly sizePx: number;
  /** Existing empty folder that the results go to. */
  readonly folder: string;
  readonly models: GraphSource;
}

/** What is told of a job that was done. */
export interface FaceFacts {
  readonly weights: 'published' | 'random';
  readonly maskedBy: 'face-parsing' | 'landmarks';
  readonly locatedBy: 'dwpose' | 'face-mesh';
  readonly latentSize: number;
}

/** Graphs that prepare: one that must be there, and one that makes better masks if it is. */
export function preparingGraphs(modelsFolder: string): readonly ('vae-encoder' | 'face-parsing')[] {
  return hasGraph(modelsFolder, 'face-parsing') ? ['vae-encoder', 'face-parsing'] : ['vae-encoder'];
}

/** Where DWPose lies in a folder, as it was published; what finds faces is the mesh if it is not there. */
export function poseFile(modelsFolder: string): string {
  return join(modelsFolder, 'dwpose.onnx');
}

/**
 * Makes what MuseTalk draws with from an avatar's prepared clips: a box, latents and a mask for every picture. Takes 0.1 s of
 * computing per frame besides what the models take, which is seconds where there is no GPU.
 *
 * @param onProgress Called with 0..1.
 * @throws {AppError} `face_not_found`, `model_missing`, `model_invalid`, `engine_failed`, `media_unreadable`.
 */
export async function prepareFace(job: FaceJob, onProgress: (share: number) => void): Promise<FaceFacts> {
  const graphs = await openGraphs(preparingGraphs(job.models.modelsFolder), job.models);
  let poseModel: OnnxModel | null = null;
  try {
    const encoder = new FaceEncoder(graphs.models['vae-encoder'], graphs.facts['vae-encoder']);
    const parser = trainedParser(graphs);
    poseModel = await openPose(job.models, graphs.provider);
    const pose = poseModel && new DwPose(poseModel, poseModel.inputNames[0]);
    const finder = await FaceLandmarks.open();
    for (const [index, clip] of job.clips.entries()) {
      const told = (share: number) => onProgress((index + share) / job.clips.length);
      const tracked = await trackClip(job, clip, { finder, pose }, (share) => told(share * TRACKING_SHARE));
      const frames = await drawnWith(tracked, { encoder, parser }, (share) =>
        told(TRACKING_SHARE + share * (1 - TRACKING_SHARE)),
      );
      await writeFaceClip(job.folder, clip.name, frames);
    }
    const { weights } = graphs.facts['vae-encoder'];
    return {
      weights,
      maskedBy: parser ? 'face-parsing' : 'landmarks',
      locatedBy: pose ? 'dwpose' : 'face-mesh',
      latentSize: encoder.latentSize,
    };
  } finally {
    await poseModel?.close();
    await graphs.close();
  }
}

/** DWPose, on what computes the rest; null if it is not there. */
async function openPose({ modelsFolder, threads }: GraphSource, on: ProviderId | 'remote'): Promise<OnnxModel | null> {
  const path = poseFile(modelsFolder);
  if (!existsSync(path)) return null;
  const provider = on === 'remote' ? 'cpu' : on;
  return OnnxModel.open(path, { provider, threads: threads || availableParallelism() });
}

/** Null where there is no parsing network, or one with random weights, which sees no face in anything. */
function trainedParser({ models, facts }: OpenedGraphs<'face-parsing'>): FaceParser | null {
  const parsing: Model | undefined = models['face-parsing'];
  if (!parsing || facts['face-parsing'].weights === 'random') return null;
  return new FaceParser(parsing, facts['face-parsing']);
}

/** A picture with its face. */
interface TrackedFrame {
  readonly frame: Frame;
  readonly landmarks: Landmarks68;
  readonly box: Area;
}

/** Finds the face in every picture of a clip's file; where it is hidden, it is where it was before. */
async function trackClip(
  job: Pick<FaceJob, 'avatarId' | 'preparedFolder' | 'sizePx'>,
  clip: PreparedClip,
  { finder, pose }: { readonly finder: FaceFinder; readonly pose: Pick<DwPose, 'find'> | null },
  onProgress: (share: number) => void,
): Promise<TrackedFrame[]> {
  const path = join(job.preparedFolder, clip.file);
  const frames: Frame[] = [];
  const size = { widthPx: job.sizePx, heightPx: job.sizePx };
  for await (const frame of readPictures(path, { ...size, framesPerSecond: CLIP_FRAMES_PER_SECOND })) {
    frames.push(frame);
    if (frames.length === clip.fileFrames) break;
  }
  async function* pictures() {
    for (const [at, frame] of frames.entries()) {
      yield frame;
      onProgress((at + 1) / frames.length);
    }
  }
  const notFound = (at: number) =>
    new AppError(
      'face_not_found',
      `Avatar ${job.avatarId}: no face found in frame ${at} of ${clip.name} (${path}), where the avatar was cut to its square.`,
    );
  // A face that is lost for good is taken to stay where it was last seen: lists must not become shorter than the clip.
  const track = await trackFace(pictures(), finder, { minUsefulFrames: 1, notFound });
  const numbers = 2 * FACE_POINTS;
  const tracked: TrackedFrame[] = [];
  for (const [at, frame] of frames.entries()) {
    const shown = Math.min(at, track.frameCount - 1);
    const ofMesh = landmarks68(track.points.subarray(shown * numbers, (shown + 1) * numbers));
    const ofPose = pose && (await pose.find(rgb(frame)));
    // It always tells of points; those beyond the picture are of no face.
    const landmarks = ofPose?.every((value) => value >= 0) && faceBox(ofPose, size) ? ofPose : ofMesh;
    const box = faceBox(landmarks, size) ?? tracked.at(-1)?.box;
    if (!box) throw notFound(at);
    tracked.push({ frame, landmarks, box });
  }
  return tracked;
}

/** What MuseTalk draws with on each picture. */
export async function drawnWith(
  tracked: readonly TrackedFrame[],
  { encoder, parser }: { readonly encoder: FaceEncoder; readonly parser: FaceParser | null },
  onProgress: (share: number) => void,
): Promise<FaceFrame[]> {
  const out: FaceFrame[] = [];
  for (let first = 0; first < tracked.length; first += FRAMES_PER_RUN) {
    const some = tracked.slice(first, first + FRAMES_PER_RUN).map((each) => ({ ...each, picture: rgb(each.frame) }));
    const latents = await encoder.encode(some.map(({ picture, box }) => crop(picture, box)));
    for (const [i, { picture, box, landmarks }] of some.entries()) {
      const around = cropAround(box);
      const labels = parser ? await parser.parse(crop(picture, around)) : labelsFromLandmarks(landmarks, around);
      out.push({ latents: latents[i], box, mask: mouthMask(jawRegion(labels), around, box) });
    }
    onProgress(out.length / tracked.length);
  }
  return out;
}

function rgb(frame: Frame): Pixels {
  return { widthPx: frame.widthPx, heightPx: frame.heightPx, channels: 3, data: toRgb(frame) };
}
