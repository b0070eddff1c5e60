import { OpusDecoder } from '../codecs/opus-decoder.ts';
import type { Metrics } from '../metrics.ts';
import { type MicrophoneOptions, MicrophoneSource, type PacketDecoder } from '../sources/microphone-source.ts';
import { processTimers, type Timers } from '../timers.ts';
import { type PeerOptions, WebRtcPeer } from '../transports/webrtc-peer.ts';
import type { ConnectViewer } from './viewer.ts';

export interface ConnectViewerOptions {
  readonly peer: PeerOptions;
  readonly microphone: MicrophoneOptions;
  readonly timers?: Timers;
}

/** Makes what answers offers: a WebRTC peer whose microphone packets become a source. */
export function viewerConnector({ peer, microphone, timers = processTimers }: ConnectViewerOptions): ConnectViewer {
  return async (offerSdp, events) => {
    const decoder = timed(await OpusDecoder.open(), timers, peer.metrics);
    const source = new MicrophoneSource(decoder, () => timers.nowMs(), microphone);
    try {
      const answered = await WebRtcPeer.answer(offerSdp, peer, {
        ...events,
        onMicrophonePacket: (packet) => source.push(packet),
      });
      return { ...answered, microphone: source };
    } catch (error) {
      source.close();
      throw error;
    }
  };
}

/** `decoder`, whose work is measured. */
function timed(decoder: PacketDecoder, timers: Timers, metrics: Metrics | undefined): PacketDecoder {
  if (!metrics) return decoder;
  return {
    decode(payload) {
      const startedMs = timers.nowMs();
      const sound = decoder.decode(payload);
      metrics.histogram('sound_decode_ms').record(timers.nowMs() - startedMs);
      return sound;
    },
    close: () => decoder.close(),
  };
}
