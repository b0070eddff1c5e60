import { OpusDecoder } from '../codecs/opus-decoder.ts';
import { type MicrophoneOptions, MicrophoneSource } from '../sources/microphone-source.ts';
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
    const source = new MicrophoneSource(await OpusDecoder.open(), () => timers.nowMs(), microphone);
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
