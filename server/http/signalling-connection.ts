import type { WebSocket } from 'ws';
import { AppError, describeError, retryAfterS } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Grant, ownerOf } from './access/access.ts';
import { type AvatarGallery, describeAvatar } from './avatar-gallery.ts';
import { MouthFeed } from './mouth-feed.ts';
import { isSameConnection } from './offer-identity.ts';
import type { ClientMessage } from './signalling-message.ts';
import type { ConnectViewer, IceCandidate, ViewerPeer, ViewerSession, ViewerSessions } from './viewer.ts';

/** Candidates that came before their offer and wait for it; more are ignored, because a browser makes a few dozen at most. */
const MAX_WAITING_CANDIDATES = 64;
/** Bytes that may wait for a slow client before it is given up; signalling is small. */
const MAX_BUFFERED_BYTES = 1_048_576;
const FIGURES_EVERY_MS = 1000;

export interface SignallingOptions {
  readonly gallery: AvatarGallery;
  /** The sessions. @throws {AppError} `not_ready` while the server starts. */
  readonly sessions: () => ViewerSessions;
  readonly connectViewer: ConnectViewer;
  /** STUN and TURN servers for the page, in the form of RTCConfiguration.iceServers. */
  readonly iceServers: readonly object[];
  /** How long a viewer may take from its offer until media flows, in ms. */
  readonly connectTimeoutMs: number;
  readonly log: Log;
}

/** The session of this socket with the peer that its media goes through. */
interface Line {
  readonly session: ViewerSession;
  /** Null until the offer has been answered. */
  peer: ViewerPeer | null;
  offerSdp: string;
  /** The server's candidates wait here until the answer, which must reach the client first, is out; then null. */
  heldCandidates: IceCandidate[] | null;
}

/** One client on `/ws`: what it chose, its session, and the answers to its messages, one message after the other. */
export class SignallingConnection {
  readonly #socket: WebSocket;
  readonly #options: SignallingOptions;
  readonly #grant: Grant;
  readonly #waitingCandidates: (IceCandidate | null)[] = [];
  #state: 'open' | 'closed' = 'open';
  #avatarId: string | null = null;
  #line: Line | null = null;
  #connectTimer: NodeJS.Timeout | undefined;
  #figuresTimer: NodeJS.Timeout | undefined;
  /** Null until it is subscribed to. */
  #mouths: MouthFeed | null = null;

  constructor(socket: WebSocket, options: SignallingOptions, grant: Grant) {
    this.#socket = socket;
    this.#grant = grant;
    this.#options = options;
  }

  /** Handles one message; never rejects, since failures become `error` messages. Not to be called again before it settles. */
  async handle(message: ClientMessage): Promise<void> {
    if (this.#state === 'closed') return;
    try {
      await this.#handle(message);
    } catch (error) {
      this.sendError(error);
    }
  }

  sendError(error: unknown): void {
    const { code, message } = describeError(error);
    if (code === 'internal') this.#options.log.error({ err: error }, 'signalling failed');
    else this.#options.log.debug({ code, reason: message }, 'signalling refused a message');
    this.#send({
      type: 'error',
      code,
      message,
      ...(code === 'server_full' ? { retry_after_s: retryAfterS(error) } : {}),
    });
  }

  /** Frees the session. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearInterval(this.#figuresTimer);
    this.#mouths?.close();
    await this.#endSession('client left');
  }

  async #handle(message: ClientMessage): Promise<void> {
    switch (message.type) {
      case 'get_avatars':
        this.#send({ type: 'avatars', avatars: this.#options.gallery.ready().map(describeAvatar) });
        return;
      case 'select_avatar':
        await this.#selectAvatar(message.avatarId);
        return;
      case 'offer':
        await this.#answerOffer(message.sdp);
        return;
      case 'answer':
        throw new AppError('bad_message', 'The server made no offer, so there is nothing to answer; send an offer.');
      case 'ice_candidate':
        await this.#addCandidate(message.candidate);
        return;
      case 'play_clip':
        await this.#session('play_clip').playClip(message.clip);
        return;
      case 'interrupt':
        this.#session('interrupt').interrupt();
        return;
      case 'get_config':
        this.#send({ type: 'config', ice_servers: this.#options.iceServers });
        return;
      case 'subscribe_figures':
        this.#figuresTimer ??= setInterval(() => this.#sendFigures(), FIGURES_EVERY_MS).unref();
        return;
      case 'subscribe_mouth':
        this.#mouths ??= new MouthFeed(this.#socket);
        if (this.#line) this.#mouths.follow(this.#line.session);
        return;
      case 'ping':
        this.#send({ type: 'pong' });
    }
  }

  async #selectAvatar(avatarId: string): Promise<void> {
    await this.#options.gallery.bring(avatarId);
    if (this.#state === 'closed') return;
    this.#line?.session.setAvatar(avatarId);
    this.#avatarId = avatarId;
    this.#send({ type: 'avatar_selected', avatar_id: avatarId });
  }

  async #answerOffer(offerSdp: string): Promise<void> {
    const line = this.#line;
    if (line?.peer && isSameConnection(line.offerSdp, offerSdp)) {
      const sdp = await line.peer.renegotiate(offerSdp);
      line.offerSdp = offerSdp;
      this.#send({ type: 'answer', sdp });
      return;
    }
    await this.#endSession('replaced by a new connection of the same client');
    await this.#beginSession(offerSdp);
  }

  async #beginSession(offerSdp: string): Promise<void> {
    const avatar = await this.#options.gallery.bring(this.#avatarId);
    if (this.#state === 'closed') return;
    const session = this.#options.sessions().create(avatar.id, ownerOf(this.#grant, 'page'));
    const line: Line = { session, peer: null, offerSdp, heldCandidates: [] };
    this.#line = line;
    session.onClosed(() => this.#forget(line));
    this.#mouths?.follow(session);
    try {
      const answerSdp = await this.#connect(line);
      // The socket may have closed, or the peer died, while the answer was made; then the session is gone as well.
      if (this.#line !== line)
        throw new AppError('timeout', 'The session ended before its offer was answered; try again.');
      this.#send({ type: 'answer', sdp: answerSdp });
      for (const candidate of line.heldCandidates ?? []) this.#sendCandidate(candidate);
      line.heldCandidates = null;
      for (const candidate of this.#waitingCandidates.splice(0)) await this.#addCandidate(candidate);
    } catch (error) {
      await session.close('its offer could not be answered');
      throw error;
    }
  }

  async #connect(line: Line): Promise<string> {
    const { session } = line;
    let answerSdp = '';
    this.#connectTimer = setTimeout(
      () => void session.close('the viewer did not connect in time'),
      this.#options.connectTimeoutMs,
    ).unref();
    const timer = this.#connectTimer;
    await session.addTransport(async (events) => {
      const viewer = await this.#options.connectViewer(line.offerSdp, {
        onKeyFrameRequest: () => events.onKeyFrameRequest(),
        onBandwidth: (bitsPerSecond) => events.onBandwidth(bitsPerSecond),
        onConnected: () => {
          clearTimeout(timer);
          events.onConnected();
        },
        onClosed: (reason) => events.onClosed(reason),
        onIceCandidate: (candidate) => this.#onServerCandidate(line, candidate),
      });
      session.setMicrophone(viewer.microphone);
      line.peer = viewer.peer;
      answerSdp = viewer.answerSdp;
      return viewer.peer;
    });
    return answerSdp;
  }

  /** Candidates before an offer wait for it; those of a session that has ended are of no use and do no harm. */
  async #addCandidate(candidate: IceCandidate | null): Promise<void> {
    const line = this.#line;
    if (line?.peer) {
      if (belongsTo(candidate, line.offerSdp)) await line.peer.addIceCandidate(candidate);
    } else if (this.#waitingCandidates.length < MAX_WAITING_CANDIDATES) {
      this.#waitingCandidates.push(candidate);
    }
  }

  #onServerCandidate(line: Line, candidate: IceCandidate | null): void {
    // The end of candidates is not told: the protocol has no word for it, and browsers do not need it.
    if (candidate === null || this.#line !== line) return;
    if (line.heldCandidates) line.heldCandidates.push(candidate);
    else this.#sendCandidate(candidate);
  }

  #sendCandidate(candidate: IceCandidate): void {
    this.#send({ type: 'ice_candidate', candidate });
  }

  #session(wish: string): ViewerSession {
    if (this.#line) return this.#line.session;
    throw new AppError('no_session', `${wish} needs a session; send an offer first.`);
  }

  #sendFigures(): void {
    if (this.#line) this.#send({ type: 'figures', ...this.#line.session.figures() });
  }

  async #endSession(reason: string): Promise<void> {
    const line = this.#line;
    if (!line) return;
    this.#forget(line);
    await line.session.close(reason);
  }

  #forget(line: Line): void {
    if (this.#line !== line) return;
    this.#line = null;
    clearTimeout(this.#connectTimer);
  }

  #send(message: object): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#options.log.debug('a client that does not read its messages was given up');
      this.#socket.terminate();
      return;
    }
    this.#socket.send(JSON.stringify(message));
  }
}

/** False for a late candidate of an earlier connection: its ICE user name is not the offer's (RFC 8839 §5.4). */
function belongsTo(candidate: IceCandidate | null, offerSdp: string): boolean {
  const name = candidate?.usernameFragment;
  return !name || offerSdp.split(/\r?\n/).includes(`a=ice-ufrag:${name}`);
}
