import { type ClientEvents, type ClientOptions, WebRtcClient } from '../../server/transports/webrtc-client.ts';

const ANSWER_LIMIT_MS = 15_000;
/** What the viewer says of its path, as often as browsers do: room for pictures of about 1 Mbit/s. */
const BANDWIDTH_BPS = 1_250_000;
const BANDWIDTH_EVERY_MS = 1000;

/** One viewer without a screen: signals over the server's WebSocket, receives pictures and sound, sends a microphone. */
export class Viewer {
  readonly #socket: WebSocket;
  readonly #client: WebRtcClient;
  #bandwidthTimer: NodeJS.Timeout | undefined;
  #onMessage: (message: { type: string; sdp?: string; message?: string }) => void = () => {};

  private constructor(socket: WebSocket, events: ClientEvents, media: ClientOptions['media']) {
    this.#socket = socket;
    this.#client = new WebRtcClient({ videoCodecs: ['H264'], media }, events);
    socket.addEventListener('message', ({ data }) => this.#onMessage(JSON.parse(String(data))));
  }

  /**
   * Connects to the server at `url` (http).
   *
   * @param media What is looked at of what comes in.
   * @throws {Error} with the server's words if it refuses.
   */
  static async connect(
    url: string,
    events: ClientEvents = {},
    media: ClientOptions['media'] = 'whole',
  ): Promise<Viewer> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('error', () => reject(new Error(`${url} takes no WebSocket`)), { once: true });
    });
    const viewer = new Viewer(socket, events, media);
    try {
      await viewer.#client.connect((offerSdp) => viewer.#exchange(offerSdp));
    } catch (error) {
      await viewer.close();
      throw error;
    }
    viewer.#client.reportBandwidth(BANDWIDTH_BPS);
    viewer.#bandwidthTimer = setInterval(() => viewer.#client.reportBandwidth(BANDWIDTH_BPS), BANDWIDTH_EVERY_MS);
    return viewer;
  }

  /** Sends 20 ms of microphone, one Opus packet. */
  sendSound(opus: Uint8Array): void {
    this.#client.sendSound(opus);
  }

  /** Sends a signalling message: `{ type: 'interrupt' }`. */
  say(message: { readonly type: string; readonly [field: string]: unknown }): void {
    this.#socket.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    clearInterval(this.#bandwidthTimer);
    await this.#client.close();
    this.#socket.close();
  }

  #exchange(offerSdp: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error('the server did not answer the offer')), ANSWER_LIMIT_MS);
      this.#onMessage = ({ type, sdp, message }) => {
        if (type !== 'answer' && type !== 'error') return;
        clearTimeout(limit);
        if (sdp !== undefined) resolve(sdp);
        else reject(new Error(message));
      };
      this.say({ type: 'offer', sdp: offerSdp });
    });
  }
}
