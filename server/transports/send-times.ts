import { type RTCRtpTransceiver, RTP_EXTENSION_URI } from 'werift';

/** Ticks of the time stamp: 6.18 bit fixed point seconds. */
const TICKS_PER_MS = 2 ** 18 / 1000;
const WRAP = 2 ** 24;

/**
 * Writes the true time of sending into the packets of `transceiver`, repetitions included, if the viewer takes it
 * (http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time). From it browsers tell a full path from packets that were lost
 * and sent again; by the media time stamps alone every repetition looks like a queue, and they estimate ever less.
 * The library's own stamps have a wrong fraction of a second.
 *
 * Call it once per transport, before the first packet.
 *
 * @param nowMs Monotonic.
 */
export function stampSendTimes(transceiver: RTCRtpTransceiver, nowMs: () => number): void {
  const transport = transceiver.sender.dtlsTransport;
  const sendRtp = transport.sendRtp.bind(transport);
  transport.sendRtp = (payload, header) => {
    const id = transceiver.headerExtensions.find(({ uri }) => uri === RTP_EXTENSION_URI.absSendTime)?.id;
    const { ssrc, rtxSsrc } = transceiver.sender;
    if (id !== undefined && (header.ssrc === ssrc || header.ssrc === rtxSsrc)) {
      const stamp = header.extensions.find((extension) => extension.id === id);
      if (stamp) stamp.payload = sendTime(nowMs());
    }
    return sendRtp(payload, header);
  };
}

/** @returns 3 bytes. */
export function sendTime(nowMs: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(Math.floor(nowMs * TICKS_PER_MS) % WRAP, 0, 3);
  return bytes;
}
