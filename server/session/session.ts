import type { AudioChunk } from '../audio/pcm.ts';
import { CHUNK_MS, CHUNKS_PER_FRAME, FRAME_MS, SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import type { Avatar } from '../avatars/avatar.ts';
import { computeBudgetMs } from '../engines/engine.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { FrameScheduler } from '../scheduler/frame-job.ts';
import type { Source } from '../sources/source.ts';
import type { Timers } from '../timers.ts';
import type { SessionTrace, TracedStretch } from '../tracing.ts';
import type { Transport, TransportEvents } from '../transports/transport.ts';
import { DELAY_STEP_MS, DelayGrowth } from './delay-growth.ts';
import type { EncoderSource } from './encoder-source.ts';
import type { FramePhases } from './frame-phases.ts';
import type { IdleLoops } from './idle-loops.ts';
import { type MouthReport, MouthReports } from './mouth-reports.ts';
import { PictureLine } from './picture-line.ts';
import type { ActionTime, SceneState } from './scenes.ts';
import type { SessionOwner } from './session-owner.ts';
import { SoundIntake } from './sound-intake.ts';
import { type ClipShelf, Stage } from './stage.ts';
import { tracedViewer } from './traced-viewer.ts';
import { type EncoderFigures, type ViewerSettings, Viewers } from './viewers.ts';

/**
 * Length of one step of the session's line. Input is taken every 20 ms, output leaves on the grid of the delay; steps in which
 * nothing is due are passed over.
 */
const STEP_MS = 5;
/**
 * After a pause of the process longer than this, media time goes on from where it stood instead of racing through what it
 * missed: a second of packets at once would only be dropped by the viewer.
 */
const LONGEST_CATCH_UP_MS = 500;

export interface SessionOptions {
  readonly id: string;
  /** Null for a session that nobody opened through a door, such as an offline film's. */
  readonly owner: SessionOwner | null;
  readonly avatar: Avatar;
  readonly findAvatar: (id: string) => Avatar;
  /** Clips of avatars that are not always in memory. */
  readonly clips: ClipShelf;
  readonly loadClip: (path: string) => Promise<Source>;
  readonly scheduler: FrameScheduler;
  readonly encoders: EncoderSource;
  readonly loops: IdleLoops;
  readonly viewers: ViewerSettings;
  /** Time for the engine, composing and encoding, ms; a multiple of 5; an engine may ask for more. Part of the delay of sound and picture. */
  readonly computeBudgetMs: number;
  /** How much the delay may grow, ms, a multiple of 20, where pictures come too late again and again; 0: it stays as it is. */
  readonly maxExtraDelayMs: number;
  /** How long the session waits for a viewer, at first and whenever the last one has left, ms. Default: it is not left alone, and closes with its last viewer. */
  readonly lingerMs?: number;
  readonly timers: Timers;
  readonly phases: FramePhases;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Where what happens is told; nowhere if absent. */
  readonly trace?: SessionTrace;
}

/** Frames that are remembered by what they show: more than can be on the line at once. */
const REMEMBERED_FRAMES = 64;

/** What one frame shows. */
export interface ShownFrame {
  readonly state: SceneState;
  /** Name of the clip. */
  readonly video: string;
  /** How much of the clip is over when the frame is, 0..1. */
  readonly progress: number;
}

/** What a session tells about itself. */
export interface SessionFigures {
  readonly session_id: string;
  readonly avatar_id: string;
  /** From sound taken from its source to the same sound, and its picture, sent. */
  readonly delay_ms: number;
  /** How long the microphone's sound waits before it is taken in; 0 without one. */
  readonly jitter_buffer_ms: number;
  readonly clip: string | null;
  readonly talking: boolean;
  /** Mouths drawn anew in a second of talking: 25, or fewer where more talk than the engine can draw; null while it does not talk. */
  readonly mouths_per_second: number | null;
  readonly seconds: number;
}

/**
 * One viewer's line from sound to packets, and the one clock that everything on it follows. Media time begins when the first
 * viewer is connected. A frame, and the sound that belongs to it, leaves `delayMs` after the sound was taken in; a picture that
 * is not ready by then follows as soon as it is, within 20 ms or not at all. Where that is too short again and again, the delay
 * grows a little: everything is sent so much later from then on. It never shrinks, because sound would have to be left out.
 */
export class Session {
  readonly id: string;
  readonly owner: SessionOwner | null;
  #delayMs: number;
  /** What the engine has for a picture until it is replaced, ms: the end of the delay, and the chunk after it. */
  #drawingMs: number;
  readonly #growth: DelayGrowth;
  #scheduler: FrameScheduler;
  /** Chunks of sound that were sent. */
  #sentChunks = 0;
  readonly #options: SessionOptions;
  readonly #intake: SoundIntake;
  readonly #stage: Stage;
  readonly #pictures: PictureLine;
  readonly #viewers: Viewers;
  readonly #mouths = new MouthReports();
  /** Sound on its way out. Holds `delayMs` of chunks and no more; emptied by the steps. */
  readonly #delayed: AudioChunk[] = [];
  /** What the newest frames show, by number modulo {@link REMEMBERED_FRAMES}. */
  readonly #shown: { frame: number; shown: ShownFrame }[] = [];
  readonly #silence = new Float32Array((SAMPLE_RATE_HZ * CHUNK_MS) / 1000);
  readonly #closedCallbacks: ((reason: string) => void)[] = [];
  #state: 'waiting' | 'live' | 'closed' = 'waiting';
  #originMs = 0;
  #step = 0;
  #cancelStep: () => void = () => {};
  #cancelLinger: () => void = () => {};
  /** Null while the mouth is closed, or if nobody wants to know. */
  #talk: TracedStretch | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.id = options.id;
    this.owner = options.owner;
    this.#scheduler = options.scheduler;
    const { features } = options.scheduler.spec;
    const { budgetMs, delayMs } = timesOf(options.scheduler, options.computeBudgetMs);
    this.#delayMs = delayMs;
    this.#drawingMs = budgetMs + CHUNK_MS;
    this.#growth = new DelayGrowth(options.maxExtraDelayMs);
    this.#intake = new SoundIntake(features, options);
    this.#viewers = new Viewers({
      settings: options.viewers,
      encoders: options.encoders,
      loops: options.loops,
      timers: options.timers,
      metrics: options.metrics,
      log: options.log,
      onConnected: () => this.#start(),
      onEmpty: (reason) => this.#linger(reason),
    });
    this.#stage = new Stage(options.avatar, options.clips);
    this.#pictures = new PictureLine({
      sessionId: options.id,
      widthPx: options.avatar.widthPx,
      heightPx: options.avatar.heightPx,
      drawingMs: this.#drawingMs,
      scheduler: options.scheduler,
      metrics: options.metrics,
      growth: this.#growth,
      mouths: this.#mouths,
      show: (frameIndex, picture, own) => this.#viewers.show(frameIndex, picture, own),
    });
    if (options.lingerMs !== undefined) this.#linger('nobody came');
  }

  get state(): 'waiting' | 'live' | 'closed' {
    return this.#state;
  }

  /** From sound taken in to the same sound, and its picture, sent, ms. It grows with an engine that needs longer, or comes too late. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /**
   * Draws with another engine from the next frame on. Where that one needs longer, nothing is sent for as long as the delay grows,
   * once; it does not shrink again, because then sound would have to be left out.
   */
  setScheduler(scheduler: FrameScheduler): void {
    if (this.#state === 'closed') return;
    const { features } = scheduler.spec;
    const { budgetMs, delayMs: neededMs } = timesOf(scheduler, this.#options.computeBudgetMs);
    const before = this.#scheduler;
    this.#scheduler = scheduler;
    this.#delayMs = Math.max(this.#delayMs, neededMs);
    // What the delay has beyond what the engine needs is its time to draw, as far as it grew for that; the rest is waited for
    // before it is asked.
    const spareMs = Math.floor((this.#delayMs - neededMs) / CHUNK_MS) * CHUNK_MS;
    const grownMs = Math.min(spareMs, this.#growth.grownMs);
    this.#intake.setFeatures(features, features.lookAheadMs + spareMs - grownMs);
    this.#drawingMs = budgetMs + CHUNK_MS + grownMs;
    this.#growth.restart(this.#intake.nextFrame);
    this.#pictures.setScheduler(scheduler, this.#drawingMs);
    before.endSession(this.id);
    if (this.#state === 'live') this.#setOrigin(this.#originMs);
    this.#options.trace?.event('engine_changed', { engine: scheduler.spec.id });
  }

  get avatarId(): string {
    return this.#stage.avatar.id;
  }

  get avatar(): Avatar {
    return this.#stage.avatar;
  }

  /** Frames begun from now on show that avatar, from the start of its idle clip. @throws {AppError} `avatar_not_found`. */
  setAvatar(avatarId: string): void {
    const avatar = this.#options.findAvatar(avatarId);
    const { widthPx, heightPx } = this.#stage.avatar;
    if (avatar.widthPx !== widthPx || avatar.heightPx !== heightPx) {
      throw new RangeError(`avatar ${avatar.id} is not as large as the session's pictures`);
    }
    this.#stage.setAvatar(avatar);
    this.#pictures.forget();
    this.#options.trace?.event('avatar_selected', { avatar_id: avatarId });
  }

  /**
   * Sets which of the avatar's clips is seen while nothing is said, or under the moving lips. Settles when it is in memory;
   * the pictures go on meanwhile.
   * @throws {AppError} `clip_not_found`, `media_unreadable`.
   */
  setBaseClip(state: 'idle' | 'speaking', name: string): Promise<void> {
    return this.#stage.setClip(state, name);
  }

  /** Which of the two base clips is seen while nothing is said; the idle one unless this was called. */
  rest(state: 'idle' | 'speaking'): void {
    this.#stage.rest(state);
  }

  /** Name of the clip that is seen in a state. */
  baseClip(state: 'idle' | 'speaking'): string {
    return this.#stage.clipName(state);
  }

  /**
   * Plays one of the avatar's clips once, in the next pause of the speech unless another time is given; sound that comes meanwhile
   * waits. What is to come at once interrupts the speech.
   * @throws {AppError} `clip_not_found`, `rate_limited`, `media_unreadable`.
   */
  async act(name: string, time: ActionTime = 'next'): Promise<void> {
    await this.#stage.act(name, time);
    if (time === 'now') this.interrupt();
  }

  /** What a frame on the line, or sent a moment ago, shows; null if that is not known. */
  shownIn(frame: number): ShownFrame | null {
    const entry = this.#shown[frame % REMEMBERED_FRAMES];
    return entry?.frame === frame ? entry.shown : null;
  }

  /** The microphone to listen to from now on; the session closes it. */
  setMicrophone(source: Source): void {
    if (this.#state === 'closed') source.close();
    else this.#intake.setMicrophone(source);
  }

  /**
   * Plays one of the avatar's audio clips instead of the microphone, from its beginning.
   * @throws {AppError} `clip_not_found`, or `media_unreadable` if its file cannot be read.
   */
  async playClip(name: string): Promise<void> {
    const { avatar } = this.#stage;
    const path = Object.hasOwn(avatar.audioClips, name) ? avatar.audioClips[name] : undefined;
    if (path === undefined) {
      const known = Object.keys(avatar.audioClips).join(', ') || 'none';
      throw new AppError('clip_not_found', `Avatar ${avatar.id} has no audio clip ${name}; it has: ${known}`);
    }
    const source = await this.#options.loadClip(path);
    this.play(name, source);
  }

  /** Plays `source` instead of the microphone until it ends; the session closes it. */
  play(name: string, source: Source): void {
    if (this.#state === 'closed') {
      source.close();
      return;
    }
    this.#intake.play(name, source);
    this.#options.trace?.event('clip_played', { clip: name });
  }

  /** Stops the clip; what was taken in but not sent yet is not sent, and the mouth closes. */
  interrupt(): void {
    this.#intake.interrupt();
    this.#pictures.interrupt(this.#intake.generation);
    this.#options.trace?.event('interrupted');
  }

  /** Viewers and publishers that are connected, or about to be. */
  get viewerCount(): number {
    return this.#viewers.count;
  }

  /** Adds a viewer. The session closes when its last viewer has gone, or `lingerMs` later. */
  async addTransport(make: (events: TransportEvents) => Promise<Transport>): Promise<Transport> {
    if (this.#state === 'closed') throw new AppError('session_not_found', `Session ${this.id} is closed`);
    const transport = await this.#viewers.add(tracedViewer(make, this.#options.trace));
    this.#cancelLinger();
    return transport;
  }

  figures(): SessionFigures {
    const seconds = this.#state === 'live' ? Math.max(0, this.#options.timers.nowMs() - this.#originMs) / 1000 : 0;
    return {
      session_id: this.id,
      avatar_id: this.avatarId,
      delay_ms: this.delayMs,
      jitter_buffer_ms: Math.round(this.#intake.bufferedMs),
      clip: this.#intake.playing,
      talking: this.#intake.isTalking,
      mouths_per_second: this.#intake.isTalking ? this.#pictures.mouthsPerSecond : null,
      seconds: Math.round(seconds * 10) / 10,
    };
  }

  /** How the encoders of its pictures are doing; empty without viewers. */
  encoders(): readonly EncoderFigures[] {
    return this.#viewers.encoders();
  }

  /** True while sound that somebody should hear is still on the line. */
  get isSpeaking(): boolean {
    return this.#intake.playing !== null || this.#delayed.some((chunk) => !chunk.isSilent);
  }

  /**
   * Calls `listener` with what the mouth does in each frame, when that frame is sent. Frames of an engine that knows no such
   * numbers are left out.
   * @returns Ends that.
   */
  onMouth(listener: (report: MouthReport) => void): () => void {
    return this.#mouths.subscribe(listener);
  }

  onClosed(callback: (reason: string) => void): void {
    this.#closedCallbacks.push(callback);
  }

  /** Ends the session and everything it owns. Idempotent. */
  async close(reason: string): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#state === 'live') this.#options.phases.leave(this.#originMs);
    this.#state = 'closed';
    this.#cancelStep();
    this.#cancelLinger();
    this.#delayed.length = 0;
    this.#intake.close();
    this.#pictures.close();
    this.#stage.close();
    this.#scheduler.endSession(this.id);
    this.#traceTalk(false);
    this.#options.trace?.end({ reason });
    for (const callback of this.#closedCallbacks) callback(reason);
    await this.#viewers.close();
  }

  /** Closes the session unless somebody comes in time. */
  #linger(reason: string): void {
    const { lingerMs, timers } = this.#options;
    this.#cancelLinger();
    if (lingerMs === undefined) void this.close(reason);
    else this.#cancelLinger = timers.at(timers.nowMs() + lingerMs, () => void this.close(reason));
  }

  #start(): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'live';
    const { phases, timers } = this.#options;
    this.#setOrigin(phases.take(timers.nowMs()));
    this.#scheduleStep();
  }

  #setOrigin(originMs: number): void {
    this.#originMs = originMs;
    this.#viewers.start(this.#options.timers.epochMs(originMs + this.delayMs));
  }

  #scheduleStep(): void {
    this.#cancelStep = this.#options.timers.at(this.#originMs + this.#step * STEP_MS, () => this.#runSteps());
  }

  /** Runs every step that is due: usually one, more when the thread was held up. */
  #runSteps(): void {
    const { timers, metrics } = this.#options;
    const lateMs = timers.nowMs() - (this.#originMs + this.#step * STEP_MS);
    metrics.histogram('step_late_ms').record(lateMs);
    if (lateMs > LONGEST_CATCH_UP_MS) {
      metrics.counter('long_stalls').add();
      // By whole frames, so that the session keeps its place among the others.
      this.#setOrigin(this.#originMs + Math.ceil(lateMs / FRAME_MS) * FRAME_MS);
    }
    while (this.#state === 'live' && this.#originMs + this.#step * STEP_MS <= timers.nowMs()) {
      const startedMs = timers.nowMs();
      this.#runStep(this.#step);
      metrics.histogram('step_ms').record(timers.nowMs() - startedMs);
      do this.#step += 1;
      while (!this.#isUsed(this.#step * STEP_MS));
    }
    if (this.#state === 'live') this.#scheduleStep();
  }

  /** Whether something is due at that media time: input or output. */
  #isUsed(atMs: number): boolean {
    return atMs % CHUNK_MS === 0 || (atMs - this.delayMs) % CHUNK_MS === 0;
  }

  #runStep(step: number): void {
    const atMs = step * STEP_MS;
    if (atMs % CHUNK_MS === 0) this.#takeChunk();
    const sentMs = atMs - this.delayMs;
    // After the delay has grown, what was sent already comes by again.
    const isNew = sentMs >= this.#sentChunks * CHUNK_MS;
    if (!isNew || sentMs % CHUNK_MS !== 0) return;
    const chunkIndex = sentMs / CHUNK_MS;
    if (this.#shouldGrow(chunkIndex)) this.#grow();
    else this.#send(chunkIndex);
  }

  /** Whether the delay should grow before that chunk is sent. It does so between two frames alone: no picture is held back from its sound. */
  #shouldGrow(chunkIndex: number): boolean {
    const frame = chunkIndex / CHUNKS_PER_FRAME;
    return Number.isInteger(frame) && this.#growth.isWanted(frame, this.#delayed[0]?.isVoiced ?? false);
  }

  /** Gives the engine more time for every frame from now on. What is due now is sent a step later, with all that follows. */
  #grow(): void {
    const { metrics, log, trace } = this.#options;
    this.#growth.grow(this.#intake.nextFrame);
    this.#delayMs += DELAY_STEP_MS;
    this.#drawingMs += DELAY_STEP_MS;
    this.#pictures.setDrawingMs(this.#drawingMs);
    this.#setOrigin(this.#originMs);
    metrics.counter('delay_steps').add();
    log.info({ delayMs: this.#delayMs }, 'pictures come too late; the delay grows');
    trace?.event('delay_grown', { delay_ms: this.#delayMs });
  }

  #takeChunk(): void {
    const { timers, metrics } = this.#options;
    const startedMs = timers.nowMs();
    const chunk = this.#intake.take();
    metrics.histogram('sound_in_ms').record(timers.nowMs() - startedMs);
    this.#delayed.push(chunk);
    const frame = this.#intake.readyFrame();
    if (frame === null) return;
    const { isTalking, isListening, bufferedMs: waitingMs } = this.#intake;
    this.#traceTalk(isTalking);
    const scene = this.#stage.next({ isTalking, waitingMs, isListening });
    const { state, clip, clipFrame } = scene;
    const progress = (clipFrame + 1) / clip.frameCount;
    this.#shown[frame % REMEMBERED_FRAMES] = { frame, shown: { state, video: clip.name, progress } };
    this.#intake.hold(this.#stage.isActing);
    if (isTalking && state !== 'action') {
      const dueMs = this.#originMs + frame * FRAME_MS + this.delayMs + CHUNK_MS;
      this.#pictures.beginDrawn(frame, chunk.generation, scene, this.#intake.window(frame), dueMs);
    } else {
      this.#pictures.beginClosed(frame, chunk.generation, scene);
    }
  }

  /** Tells each time that the avatar talks as a stretch. */
  #traceTalk(isTalking: boolean): void {
    if (isTalking) {
      this.#talk ??= this.#options.trace?.begin('talk') ?? null;
      return;
    }
    this.#talk?.end();
    this.#talk = null;
  }

  #send(chunkIndex: number): void {
    const chunk = this.#delayed.shift();
    if (!chunk) throw new RangeError(`chunk ${chunkIndex} is not on the line`);
    this.#sentChunks = chunkIndex + 1;
    const { metrics } = this.#options;
    const isStale = chunk.generation !== this.#intake.generation;
    if (isStale) metrics.counter('stale_chunks').add();
    this.#viewers.sendSound(isStale ? { heard: this.#silence, startSample: chunk.startSample } : chunk);
    const frame = Math.floor(chunkIndex / CHUNKS_PER_FRAME);
    if (chunkIndex % CHUNKS_PER_FRAME !== 0) {
      // A picture that is not drawn by now is replaced by the one before it.
      this.#pictures.settle(frame);
      return;
    }
    // The picture shows this chunk and the next one, which is the first of those that wait.
    const shown = [chunk, this.#delayed[0]].filter((each) => each && !each.isSilent);
    this.#viewers.sendPicture(
      frame,
      shown.map(({ arrivedMs }) => arrivedMs),
    );
    this.#mouths.release(frame);
  }
}

/**
 * What an engine asks of a session's time, ms: to compute, and from sound taken in to its picture sent.
 * @throws {RangeError} if sound and pictures would not leave on the session's steps.
 */
function timesOf({ spec }: FrameScheduler, configuredMs: number): { budgetMs: number; delayMs: number } {
  const budgetMs = computeBudgetMs(spec, configuredMs);
  const delayMs = CHUNK_MS + spec.features.lookAheadMs + budgetMs;
  if (delayMs % STEP_MS !== 0) throw new RangeError(`the delay must be a multiple of ${STEP_MS} ms, got ${delayMs} ms`);
  return { budgetMs, delayMs };
}
