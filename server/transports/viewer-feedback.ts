import { PictureLossIndication, ReceiverEstimatedMaxBitrate, RtcpHeader, RtcpPayloadSpecificFeedback } from 'werift';

/** Feedback message type of a full intra request. */
const FIR = 4;

/** Asks the sender of `mediaSsrc` for a key frame: picture loss indication (RFC 4585 §6.3.1). */
export function pictureLoss(senderSsrc: number, mediaSsrc: number): RtcpPayloadSpecificFeedback {
  return new RtcpPayloadSpecificFeedback({ feedback: new PictureLossIndication({ senderSsrc, mediaSsrc }) });
}

/** The same as a full intra request (RFC 5104 §4.3.1). @param count Of requests so far, 0 to 255; a repeated one is ignored. */
export function fullIntraRequest(senderSsrc: number, mediaSsrc: number, count: number): RtcpPayloadSpecificFeedback {
  const data = Buffer.alloc(16);
  data.writeUInt32BE(senderSsrc, 0);
  data.writeUInt32BE(mediaSsrc, 8);
  data[12] = count;
  // The library does not export the message's class, but reads it.
  return RtcpPayloadSpecificFeedback.deSerialize(data, new RtcpHeader({ count: FIR }));
}

/** Tells what the path carries (draft-alvestrand-rmcat-remb §2.2): an 18-bit mantissa and an exponent, rounded down. */
export function bandwidthReport(
  senderSsrc: number,
  mediaSsrc: number,
  bitsPerSecond: number,
): RtcpPayloadSpecificFeedback {
  const brExp = Math.max(0, Math.floor(Math.log2(Math.max(1, bitsPerSecond))) - 17);
  return new RtcpPayloadSpecificFeedback({
    feedback: new ReceiverEstimatedMaxBitrate({
      senderSsrc,
      mediaSsrc: 0,
      ssrcNum: 1,
      ssrcFeedbacks: [mediaSsrc],
      brExp,
      brMantissa: Math.floor(bitsPerSecond / 2 ** brExp),
    }),
  });
}
