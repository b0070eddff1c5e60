import { type Avatar, type AvatarClip, CROP_SIZE_PX, FRAME_GEOMETRY, GEOMETRY_SIZE } from '../avatars/avatar.ts';
import type { Packet, VideoCodec } from '../codecs/packet.ts';
import type { EngineSpec } from '../engines/engine.ts';
import { AppError } from '../errors.ts';
import type { FrameJob, FrameOutcome, FrameScheduler } from '../scheduler/frame-job.ts';
import type { BorrowedClip, ClipShelf } from '../session/stage.ts';
import type { Source, SourceRead } from '../sources/source.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';

const SIDE_PX = 16;
const FRAME_BYTES = (SIDE_PX * SIDE_PX * 3) / 2;

/** A tiny clip of `frameCount` pictures; every byte of picture i is `first + i`. */
export function fakeClip(name: string, first = 0, frameCount = 10): AvatarClip {
  const frames = new SharedArrayBuffer(FRAME_BYTES * frameCount);
  for (let i = 0; i < frameCount; i += 1) new Uint8Array(frames, i * FRAME_BYTES, FRAME_BYTES).fill(first + i);
  const geometry = new SharedArrayBuffer(frameCount * GEOMETRY_SIZE * 4);
  // The crop covers the picture, so that the mouth is in it.
  for (let i = 0; i < frameCount; i += 1) {
    new Float32Array(geometry, i * GEOMETRY_SIZE * 4, GEOMETRY_SIZE)[FRAME_GEOMETRY.A] = SIDE_PX / CROP_SIZE_PX;
  }
  return { name, frameCount, frames, geometry };
}

/** What a clip is on disk: nothing, since `FakeShelf` makes it. */
export function fakeStoredClip(name: string, frameCount = 10) {
  return { name, frameCount, fileFrames: frameCount, folder: '/nowhere', sizePx: SIDE_PX, file: `${name}.mp4` };
}

/** A tiny avatar, see {@link fakeClip}. */
export function fakeAvatar(id: string, first = 0, frameCount = 10, storedClips: Avatar['storedClips'] = []): Avatar {
  return {
    id,
    name: id,
    widthPx: SIDE_PX,
    heightPx: SIDE_PX,
    clips: [fakeClip('idle_0', first, frameCount)],
    storedClips,
    audioClips: { hello: `${id}-hello.wav` },
    videoPath: `${id}.mp4`,
    portraitPath: `${id}.png`,
  };
}

/** Makes the clips that it is asked for: the first byte of `speaking_0` is 50, of `action_N` 60 + 10·N. */
export class FakeShelf implements ClipShelf {
  /** Names that are lent now. */
  readonly lent: string[] = [];
  /** What the next borrowers wait for. */
  gate: Promise<void> = Promise.resolve();

  async borrow(avatar: Avatar, name: string): Promise<BorrowedClip> {
    const always = avatar.clips.find((clip) => clip.name === name);
    if (always) return { clip: always, giveBack() {} };
    const stored = avatar.storedClips.find((clip) => clip.name === name);
    if (!stored) throw new AppError('clip_not_found', `no ${name}`);
    this.lent.push(name);
    await this.gate;
    const first = name.startsWith('action_') ? 60 + 10 * Number(name.slice(7)) : 50;
    return {
      clip: fakeClip(name, first, stored.frameCount),
      giveBack: () => void this.lent.splice(this.lent.indexOf(name), 1),
    };
  }
}

/** Answers each job when the test says so, or at once with `answer`. */
export class FakeScheduler implements FrameScheduler {
  readonly spec: EngineSpec;
  readonly jobs: { job: FrameJob; answer: (outcome: FrameOutcome, byte?: number) => void }[] = [];
  readonly ended: string[] = [];
  /** Outcome for every job from now on; null leaves it to the test. */
  automatic: FrameOutcome | null = 'drawn';
  /** Talking sessions that it says it carries. */
  capacity: number | null = null;

  constructor(lookAheadMs = 40, computeBudgetMs = 0) {
    this.spec = {
      id: 'fake',
      features: { kind: 'log-mel', historyMs: 0, lookAheadMs },
      patchSizePx: 128,
      maxBatch: 1,
      isStateful: true,
      device: 'cpu',
      computeBudgetMs,
    };
  }

  submit(job: FrameJob): Promise<FrameOutcome> {
    return new Promise((resolve) => {
      const answer = (outcome: FrameOutcome, byte = 200): void => {
        if (outcome === 'drawn') new Uint8Array(job.picture).fill(byte);
        if (outcome === 'drawn' && job.mouth) new Float32Array(job.mouth)[0] = byte / 255;
        resolve(outcome);
      };
      this.jobs.push({ job, answer });
      if (this.automatic) answer(this.automatic);
    });
  }

  endSession(sessionId: string): void {
    this.ended.push(sessionId);
  }
}

/** Keeps what it is given. */
export class FakeTransport implements Transport {
  readonly videoCodec: VideoCodec | null;
  readonly wantsAudio: boolean;
  keyFrameEveryFrames?: number;
  readonly video: Packet[] = [];
  readonly audio: Packet[] = [];
  originEpochMs = Number.NaN;
  closes = 0;
  events: TransportEvents | null = null;

  constructor(videoCodec: VideoCodec | null = 'H264', wantsAudio = true) {
    this.videoCodec = videoCodec;
    this.wantsAudio = wantsAudio;
  }

  start(originEpochMs: number): void {
    this.originEpochMs = originEpochMs;
  }

  sendVideo(packet: Packet): void {
    this.video.push(packet);
  }

  sendAudio(packet: Packet): void {
    this.audio.push(packet);
  }

  async close(): Promise<void> {
    this.closes += 1;
  }
}

/**
 * Encoders whose packets tell what went in: the first byte of the picture, or the loudest sample times 100. Pictures of more than
 * a byte have a second one, 1 for a key frame.
 */
export class FakeEncoders {
  pictureBytes = 1;
  readonly bitrates: number[] = [];
  opened = 0;
  closed = 0;

  readonly openVideo = async (): Promise<{
    encode: (frame: { data: Uint8Array }, options: { frameIndex: number; keyFrame: boolean }) => Promise<Packet>;
    setBitrate: (bitsPerSecond: number) => void;
    close: () => Promise<void>;
  }> => {
    this.opened += 1;
    return {
      encode: async (frame, { frameIndex, keyFrame }) => ({
        data: new Uint8Array(this.pictureBytes).map((_, i) => [frame.data[0], Number(keyFrame)][i] ?? 0),
        timestamp: frameIndex * 3600,
        isKeyFrame: keyFrame,
      }),
      setBitrate: (bitsPerSecond) => void this.bitrates.push(bitsPerSecond),
      close: async () => {
        this.closed += 1;
      },
    };
  };

  readonly openOpus = async (): Promise<{
    encode: (samples: Float32Array, startSample: number) => Packet;
    close: () => void;
  }> => {
    this.opened += 1;
    return {
      encode: (samples, startSample) => ({
        data: Uint8Array.of(Math.round(Math.max(...samples.map(Math.abs)) * 100)),
        timestamp: startSample,
        isKeyFrame: true,
      }),
      close: () => {
        this.closed += 1;
      },
    };
  };
}

/** Gives a constant tone of `amplitude`, or silence while that is 0. */
export class FakeSource implements Source {
  bufferedMs = 0;
  amplitude: number;
  cleared = 0;
  closed = false;
  arrivedMs: () => number;

  constructor(amplitude = 0.5, arrivedMs: () => number = () => Number.NaN) {
    this.amplitude = amplitude;
    this.arrivedMs = arrivedMs;
  }

  read(out: Float32Array, startSample: number): SourceRead {
    for (let i = 0; i < out.length; i += 1) {
      out[i] = this.amplitude * Math.sin((2 * Math.PI * 300 * (startSample + i)) / 48_000);
    }
    return { kind: this.amplitude === 0 ? 'silence' : 'sound', arrivedMs: this.arrivedMs() };
  }

  clear(): void {
    this.cleared += 1;
  }

  close(): void {
    this.closed = true;
  }
}

/** An avatar as configured, of a video that is not there. */
export const ANNA_ENTRY = {
  id: 'anna',
  name: 'Anna',
  preparation: true,
  bboxShiftPx: 0,
  videoPath: 'anna.mp4',
  videoFile: '/media/anna.mp4',
  audioClips: {},
};
