import type { WebSocket } from 'ws';
import { CHUNK_SAMPLES, FRAME_MS, FRAME_SAMPLES } from '../../audio/pcm.ts';
import { clipNames } from '../../avatars/avatar.ts';
import { AppError, describeError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Metrics } from '../../metrics.ts';
import { PushSource } from '../../sources/push-source.ts';
import { FrameSocket, type OutgoingFrame } from '../../transports/frame-socket.ts';
import { type Access, type Grant, ownerOf } from '../access/access.ts';
import type { AvatarGallery } from '../avatar-gallery.ts';
import { frameBytes } from './binary-frames.ts';
import type { FrameServiceMessage, WantedVideo } from './client-message.ts';
import type { FrameSession, FrameSessions } from './frame-session.ts';
import { errorMessage, type FrameStamp, frameText, messageText, type ServerMessage } from './server-message.ts';

/** Bytes of messages besides pictures that may wait for a slow client before it is given up. */
const MAX_WAITING_BYTES = 4 * 1_048_576;
/** WebSocket close codes (RFC 6455 §7.4.1). */
const NORMAL = 1000;
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;

export interface FrameServiceLimits {
  readonly initTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly pingIntervalMs: number;
  readonly maxQueuedAudioMs: number;
  readonly computeBudgetMs: number;
  readonly sendBufferBytes: number;
}

export interface ConnectionOptions {
  readonly gallery: AvatarGallery;
  /** The sessions. @throws {AppError} `not_ready` while the server starts. */
  readonly sessions: () => FrameSessions;
  readonly access: Access;
  /** Id of the avatar of a user; null for the first one. */
  readonly avatarOf: (userId: string) => string | null;
  readonly limits: FrameServiceLimits;
  readonly metrics: Metrics;
  readonly log: Log;
}

export interface Client {
  readonly socket: WebSocket;
  /** From the path, `[A-Za-z0-9_-]{1,64}`. */
  readonly userId: string;
  /** Whether pictures go as binary messages. */
  readonly isBinary: boolean;
  /** What the request itself brought along, used where INIT brings none. */
  readonly credential: string | undefined;
}

interface Line {
  readonly session: FrameSession;
  readonly source: PushSource;
}

/** One client of the frame service: its session, from INIT to the end of its socket. */
export class FrameServiceConnection {
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #initTimer: NodeJS.Timeout;
  #idleTimer: NodeJS.Timeout | undefined;
  #pingTimer: NodeJS.Timeout | undefined;
  #state: 'new' | 'live' | 'closed' = 'new';
  #line: Line | null = null;

  constructor(client: Client, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    const { initTimeoutMs } = options.limits;
    const late = new AppError(
      'timeout',
      `INIT must come within ${initTimeoutMs / 1000} s of connecting; connect again.`,
    );
    this.#initTimer = setTimeout(() => this.#end(POLICY_VIOLATION, 'no INIT', late), initTimeoutMs).unref();
  }

  /** Null until INIT has succeeded. */
  get sessionId(): string | null {
    return this.#line?.session.id ?? null;
  }

  /**
   * Handles one message. Never rejects: failures become ERROR messages. Not to be called again before it settles; it settles
   * at once for all messages but INIT.
   */
  async handle(message: FrameServiceMessage): Promise<void> {
    if (this.#state === 'closed') return;
    this.#idleTimer?.refresh();
    try {
      if (message.type === 'INIT') await this.#begin(message);
      else this.#handle(message, this.#lineOf(message));
    } catch (error) {
      this.sendError(error, message);
    }
  }

  /** @param message What the client said, if that could be read; it may be of a session that does not exist. */
  sendError(error: unknown, message: Pick<FrameServiceMessage, 'type' | 'sessionId'> | null = null): void {
    const { code, message: reason } = describeError(error);
    if (code === 'internal') this.#options.log.error({ err: error }, 'the frame service failed');
    else this.#options.log.debug({ code, reason }, 'the frame service refused a message');
    const { session } = this.#line ?? {};
    const details = {
      ...(message ? { in_reply_to: message.type } : {}),
      ...(code === 'clip_not_found' && session ? { available_videos: clipNames(session.avatar) } : {}),
    };
    this.#send(errorMessage(error, details), session?.id ?? message?.sessionId ?? '');
    if (code === 'unauthorized' || code === 'forbidden') this.#end(POLICY_VIOLATION, 'unauthorized');
  }

  /** Frees the session. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearTimeout(this.#initTimer);
    clearTimeout(this.#idleTimer);
    clearInterval(this.#pingTimer);
    const line = this.#line;
    this.#line = null;
    await line?.session.close('client left');
  }

  async #begin(message: FrameServiceMessage & { type: 'INIT' }): Promise<void> {
    if (this.#line) throw new AppError('bad_message', 'The session has begun already; one socket is one session.');
    const { userId } = this.#client;
    if (message.userId !== null && message.userId !== userId) {
      throw new AppError('bad_message', `data.user_id must be ${userId}, as in the address, got ${message.userId}`);
    }
    const { access, gallery, sessions, avatarOf } = this.#options;
    const grant = await access.admit(message.authToken ?? this.#client.credential, 'speak');
    if (this.#isClosed) return;
    const avatar = await gallery.bring(avatarOf(userId));
    if (this.#isClosed) return;
    await this.#openSession(sessions(), avatar.id, grant);
  }

  async #openSession(sessions: FrameSessions, avatarId: string, grant: Grant): Promise<void> {
    const { limits } = this.#options;
    const { computeBudgetMs, maxQueuedAudioMs } = limits;
    const session = sessions.create(avatarId, ownerOf(grant, 'frames'), { computeBudgetMs });
    const source = new PushSource(() => performance.now(), { capacityMs: maxQueuedAudioMs });
    const line: Line = { session, source };
    this.#line = line;
    session.setMicrophone(source);
    session.onClosed((reason) => this.#onSessionClosed(line, reason));
    try {
      await session.addTransport(async (events) => {
        const transport = this.#frameSocket(line);
        // Whatever comes first, the client hears of its session before it sees it: pictures take their time.
        if (!this.#isClosed) this.#greet(session);
        events.onConnected();
        return transport;
      });
    } catch (error) {
      this.#line = null;
      await session.close('its video could not be opened');
      throw error;
    }
    if (this.#isClosed) await session.close('client left');
  }

  #greet(session: FrameSession): void {
    this.#state = 'live';
    clearTimeout(this.#initTimer);
    const { idleTimeoutMs, pingIntervalMs } = this.#options.limits;
    const idle = new AppError('timeout', `Nothing was heard for ${idleTimeoutMs / 1000} s; connect again to go on.`);
    this.#idleTimer = setTimeout(() => this.#end(POLICY_VIOLATION, 'idle', idle), idleTimeoutMs).unref();
    this.#pingTimer = setInterval(() => this.#say({ type: 'PING', data: { timestamp: Date.now() } }), pingIntervalMs);
    this.#pingTimer.unref();
    this.#say({
      type: 'INIT_SUCCESS',
      data: {
        model_loaded: true,
        available_videos: clipNames(session.avatar),
        default_video: session.baseClip('idle'),
        streaming_started: true,
        delay_ms: session.delayMs,
      },
    });
  }

  #lineOf(message: FrameServiceMessage): Line {
    const line = this.#line;
    if (!line) throw new AppError('no_session', `${message.type} needs a session; send INIT first.`);
    if (message.sessionId !== line.session.id) {
      throw new AppError(
        'no_session',
        `session_id must be that of INIT_SUCCESS, got ${message.sessionId ?? 'nothing'}`,
      );
    }
    return line;
  }

  #handle(message: Exclude<FrameServiceMessage, { type: 'INIT' }>, line: Line): void {
    switch (message.type) {
      case 'GENERATE':
        if (message.video) this.#whenDone(message, this.#dress(line.session, message.video));
        this.#push(line.source, message.pcm);
        return;
      case 'STATE_CHANGE':
        this.#whenDone(message, this.#changeState(line.session, message.video));
        return;
      case 'ACTION':
        this.#whenDone(message, this.#act(line.session, message));
        return;
      case 'CLOSE':
        this.#say({ type: 'CLOSE_ACK', data: { reason: 'client_request' } });
        this.#end(NORMAL, 'client request');
        return;
      case 'PONG':
    }
  }

  #push(source: PushSource, pcm: Int16Array): void {
    if (source.push(pcm)) return;
    const { maxQueuedAudioMs } = this.#options.limits;
    throw new AppError(
      'rate_limited',
      `At most ${maxQueuedAudioMs / 1000} s of sound wait to be played; this chunk was dropped. Send it in real time.`,
    );
  }

  /** The clip under the lips. What the avatar does not have, or what is no clip for lips, changes nothing: the sound counts. */
  async #dress(session: FrameSession, { baseVideo }: WantedVideo): Promise<void> {
    if (baseVideo === null || baseVideo.startsWith('action_') || !clipNames(session.avatar).includes(baseVideo)) return;
    await session.setBaseClip('speaking', baseVideo);
  }

  async #changeState(session: FrameSession, { state, baseVideo }: WantedVideo): Promise<void> {
    if (baseVideo !== null && baseVideo.startsWith('action_') !== (state === 'action')) {
      throw new AppError('bad_message', `data.base_video must be a clip for the state ${state}, got ${baseVideo}`);
    }
    if (state === 'action') {
      const video = baseVideo ?? 'action_1';
      await session.act(video);
      this.#say({ type: 'STATE_CHANGED', data: { current_state: state, current_video: video } });
      return;
    }
    if (baseVideo !== null) await session.setBaseClip(state, baseVideo);
    session.rest(state);
    this.#say({ type: 'STATE_CHANGED', data: { current_state: state, current_video: session.baseClip(state) } });
  }

  async #act(session: FrameSession, { index, when }: FrameServiceMessage & { type: 'ACTION' }): Promise<void> {
    await session.act(`action_${index}`, when === 'after_speech' ? 'after speech' : when);
    this.#say({ type: 'ACTION_TRIGGERED', data: { action_index: index, inserted: true } });
  }

  /** What needs a clip from disk is answered when it is there; other messages do not wait for it. */
  #whenDone(message: FrameServiceMessage, work: Promise<void>): void {
    work.catch((error) => this.sendError(error, message));
  }

  #frameSocket(line: Line): FrameSocket {
    const { limits, metrics } = this.#options;
    const { socket } = this.#client;
    return new FrameSocket({
      write: (frame) => this.#sendFrame(line, frame),
      backlogBytes: () => socket.bufferedAmount,
      maxBacklogBytes: limits.sendBufferBytes,
      metrics,
    });
  }

  #sendFrame({ session, source }: Line, { data, frame, isKeyFrame }: OutgoingFrame): void {
    const { socket, isBinary } = this.#client;
    if (socket.readyState !== socket.OPEN) return;
    const shown = session.shownIn(frame);
    const action = shown?.state === 'action' ? { index: actionIndex(shown.video), progress: shown.progress } : null;
    const stamp: FrameStamp = { timestampMs: frame * FRAME_MS, audioMs: soundAt(source, frame), action, isKeyFrame };
    const message = isBinary ? frameBytes(data, stamp) : frameText(data, stamp, session.id);
    this.#options.metrics.counter('frame_service_bytes').add(message.length);
    socket.send(message);
  }

  #onSessionClosed(line: Line, reason: string): void {
    if (this.#line !== line || this.#isClosed) return;
    this.#end(GOING_AWAY, 'session ended', new AppError('session_not_found', `The session has ended: ${reason}.`));
  }

  /** Closes the socket, which closes the connection. */
  #end(code: number, reason: string, error?: AppError): void {
    if (error) this.sendError(error);
    this.#client.socket.close(code, reason);
    void this.close();
  }

  #say(message: ServerMessage): void {
    this.#send(message, this.#line?.session.id ?? '');
  }

  #send(message: ServerMessage, sessionId: string): void {
    const { socket } = this.#client;
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate();
    else socket.send(messageText(message, sessionId));
  }

  // A method, because it changes while one awaits.
  get #isClosed(): boolean {
    return this.#state === 'closed';
  }
}

/** Where in the client's sound a frame begins, ms; null if it shows none of it. */
function soundAt(source: PushSource, frame: number): number | null {
  const first = frame * FRAME_SAMPLES;
  const second = source.positionMs(first + CHUNK_SAMPLES);
  return source.positionMs(first) ?? (second === null ? null : second - FRAME_MS / 2);
}

function actionIndex(video: string): number {
  return Number(video.slice(video.indexOf('_') + 1));
}
