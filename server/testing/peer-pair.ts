import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientEvents, type ClientOptions, WebRtcClient } from '../transports/webrtc-client.ts';
import { type PeerOptions, WebRtcPeer } from '../transports/webrtc-peer.ts';

const PEER_OPTIONS: PeerOptions = {
  iceServers: [],
  transportPolicy: 'all',
  hostAddresses: ['127.0.0.1'],
  portRange: null,
  useTcp: false,
  useIpv6: false,
};
const PICTURE_BYTES = 4000;
const KEY_PICTURE_BYTES = 20_000;

export interface PairOptions {
  readonly client?: ClientOptions;
  readonly clientEvents?: Pick<ClientEvents, 'onVideoFrame' | 'onVideoGap' | 'onSound'>;
  readonly peer?: Partial<PeerOptions>;
  /** What becomes of the offer and of the answer on their way. */
  readonly changeOffer?: (sdp: string) => string;
  readonly changeAnswer?: (sdp: string) => string;
}

/** The server's end of a connection and a viewer, in one process, with a real network between them. Whoever connects it closes it. */
export class PeerPair {
  /** As they left either side. */
  readonly offerSdp: string;
  readonly answerSdp: string;
  readonly peer: WebRtcPeer;
  readonly client: WebRtcClient;
  readonly #counts: { pictures: number; sounds: number };
  #sent = 0;

  private constructor(
    sdps: { offerSdp: string; answerSdp: string },
    ends: { peer: WebRtcPeer; client: WebRtcClient },
    counts: { pictures: number; sounds: number },
  ) {
    this.offerSdp = sdps.offerSdp;
    this.answerSdp = sdps.answerSdp;
    this.peer = ends.peer;
    this.client = ends.client;
    this.#counts = counts;
  }

  /** Resolves when both ends are connected. @throws if that does not come about. */
  static async connect(options: PairOptions = {}): Promise<PeerPair> {
    const { changeOffer = (sdp) => sdp, changeAnswer = (sdp) => sdp } = options;
    const counts = { pictures: 0, sounds: 0 };
    const connected = Promise.withResolvers<void>();
    // It may fail before anybody waits for it.
    connected.promise.catch(() => {});
    const { clientEvents } = options;
    const onVideoFrame: ClientEvents['onVideoFrame'] = (frame) => {
      counts.pictures += 1;
      clientEvents?.onVideoFrame?.(frame);
    };
    const client = new WebRtcClient(options.client, { ...clientEvents, onVideoFrame });
    let peer: WebRtcPeer | null = null;
    let sdps = { offerSdp: '', answerSdp: '' };
    try {
      const connecting = client.connect(async (offerSdp) => {
        const answered = await WebRtcPeer.answer(
          changeOffer(offerSdp),
          { ...PEER_OPTIONS, ...options.peer },
          {
            onKeyFrameRequest: () => {},
            onBandwidth: () => {},
            onConnected: () => connected.resolve(),
            onClosed: (reason) => connected.reject(new Error(reason)),
            onMicrophonePacket: () => {
              counts.sounds += 1;
            },
            onIceCandidate: () => {},
          },
        );
        peer = answered.peer;
        sdps = { offerSdp, answerSdp: answered.answerSdp };
        return changeAnswer(answered.answerSdp);
      });
      await Promise.all([connecting, connected.promise]);
    } catch (error) {
      await client.close();
      await (peer as WebRtcPeer | null)?.close();
      throw error;
    }
    const pair = new PeerPair(sdps, { peer: peer!, client }, counts);
    pair.peer.start(Date.now());
    return pair;
  }

  /** Pictures that reached the viewer whole. */
  get pictures(): number {
    return this.#counts.pictures;
  }

  /** Packets of the viewer's microphone that reached the server. */
  get sounds(): number {
    return this.#counts.sounds;
  }

  /**
   * Sends `count` pictures to the viewer and as many packets of sound to the server, and waits until all have arrived.
   *
   * @param intervalMs Time between two of them.
   */
  async exchange(count: number, intervalMs = 10): Promise<void> {
    const wanted = { pictures: this.pictures + count, sounds: this.sounds + count };
    await this.send(count, { intervalMs });
    const endMs = performance.now() + 2000;
    while (this.pictures < wanted.pictures || this.sounds < wanted.sounds) {
      if (performance.now() > endMs) {
        assert.fail(`of ${count} pictures and sounds ${this.pictures} and ${this.sounds} in all have arrived`);
      }
      await delay(5);
    }
  }

  /**
   * Sends `count` pictures to the viewer and as many packets of sound each way.
   *
   * @param beginsAnew The first of them is a key frame, as that of all is anyway.
   */
  async send(count: number, { intervalMs = 10, beginsAnew = false } = {}): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const isKeyFrame = this.#sent === 0 || (beginsAnew && i === 0);
      const sound = new Uint8Array(60).fill(this.#sent);
      this.peer.sendVideo({ data: picture(isKeyFrame), timestamp: this.#sent * 3600, isKeyFrame });
      this.peer.sendAudio({ data: sound, timestamp: this.#sent * 960, isKeyFrame: true });
      this.client.sendSound(sound);
      this.#sent += 1;
      await delay(intervalMs);
    }
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.peer.close();
  }
}

/** Types of the candidates in an SDP, each once: host, srflx, relay. */
export function candidateTypes(sdp: string): string[] {
  return [...new Set([...sdp.matchAll(/^a=candidate:.* typ (\S+)/gm)].map((match) => match[1]!))];
}

/** Bytes shaped like an H.264 picture, as far as packetisers and the counting viewer look. */
function picture(isKeyFrame: boolean): Uint8Array {
  const parameterSets = [0, 0, 0, 1, 0x67, 66, 0xe0, 31, 0, 0, 0, 1, 0x68, 0xce, 0x38];
  const body = new Uint8Array(isKeyFrame ? KEY_PICTURE_BYTES : PICTURE_BYTES).fill(0x5a);
  return Uint8Array.from([...(isKeyFrame ? parameterSets : []), 0, 0, 0, 1, isKeyFrame ? 0x65 : 0x41, ...body]);
}
