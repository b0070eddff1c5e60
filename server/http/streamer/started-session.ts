import { AppError } from '../../errors.ts';
import type { Timers } from '../../timers.ts';
import { isSameConnection } from '../offer-identity.ts';
import type { ConnectedViewer, ConnectViewer, ViewerPeer, ViewerSession } from '../viewer.ts';

/** Connections to one session: a page and its reloads, a few who look on. */
const MOST_VIEWERS = 8;

/** What an offer became. */
export interface StreamerAnswer {
  readonly sdp: string;
  /** RTP time stamp of the picture that shows the beginning of the recording; null without a picture. */
  readonly rtpOrigin: number | null;
}

interface Connection {
  offerSdp: string;
  readonly peer: ViewerPeer;
}

export interface StartedSessionOptions {
  readonly session: ViewerSession;
  /** Who started it: the key and the address that it came from. Starting it anew is theirs alone. */
  readonly starter: string;
  /** Key that it counts against. */
  readonly subject: string;
  /** The recording that it plays; null for none. */
  readonly audio: { readonly token: string; readonly path: string } | null;
  readonly connectViewer: ConnectViewer;
  /** How long it waits for its first offer. */
  readonly unclaimedMs: number;
  readonly timers: Timers;
}

/** A session that a client of the Streamer's REST has started and names by an id of its own. Ends with its last viewer. */
export class StartedSession {
  readonly session: ViewerSession;
  readonly starter: string;
  readonly subject: string;
  readonly audio: StartedSessionOptions['audio'];
  readonly #connectViewer: ConnectViewer;
  readonly #connections = new Set<Connection>();
  /** Says that it need not wait for an offer any more. */
  readonly #claim: () => void;
  #connecting = 0;
  #isOver = false;

  constructor(options: StartedSessionOptions) {
    this.session = options.session;
    this.starter = options.starter;
    this.subject = options.subject;
    this.audio = options.audio;
    this.#connectViewer = options.connectViewer;
    const { timers, unclaimedMs } = options;
    this.#claim = timers.at(
      timers.nowMs() + unclaimedMs,
      () => void this.session.close('nobody made an offer in time'),
    );
    this.session.onClosed(() => {
      this.#isOver = true;
      this.#claim();
    });
  }

  /**
   * Answers an offer: one of a connection that is there goes on with it, another one adds a viewer. The answer holds all
   * candidates, because clients of this door take no later ones.
   *
   * @throws {AppError} `bad_sdp`, `no_media`; `server_full` if too many look on already. The session goes on as it was.
   */
  async answer(offerSdp: string): Promise<StreamerAnswer> {
    const known = [...this.#connections].find((each) => isSameConnection(each.offerSdp, offerSdp));
    if (known) {
      const sdp = await known.peer.renegotiate(offerSdp);
      known.offerSdp = offerSdp;
      return { sdp, rtpOrigin: known.peer.videoRtpOrigin };
    }
    if (this.#connections.size + this.#connecting >= MOST_VIEWERS) {
      throw new AppError('server_full', `The session has ${MOST_VIEWERS} viewers already; close one first.`);
    }
    this.#connecting += 1;
    try {
      return await this.#connect(offerSdp);
    } finally {
      this.#connecting -= 1;
    }
  }

  async #connect(offerSdp: string): Promise<StreamerAnswer> {
    const answered = Promise.withResolvers<ConnectedViewer>();
    // It fails along with the call below.
    answered.promise.catch(() => {});
    await this.session.addTransport(async (events) => {
      let peer: ViewerPeer | null = null;
      const viewer = await this.#connectViewer(offerSdp, {
        ...events,
        onClosed: (reason) => {
          for (const each of this.#connections) if (each.peer === peer) this.#connections.delete(each);
          events.onClosed(reason);
        },
        onIceCandidate: () => {},
      });
      peer = viewer.peer;
      this.session.setMicrophone(viewer.microphone);
      answered.resolve(viewer);
      return viewer.peer;
    });
    const { peer, answerSdp } = await answered.promise;
    if (this.#isOver)
      throw new AppError('session_not_found', 'The session ended before its offer was answered; start it again.');
    // From here on the session ends with its viewers.
    this.#claim();
    this.#connections.add({ offerSdp, peer });
    return { sdp: answerSdp, rtpOrigin: peer.videoRtpOrigin };
  }
}
