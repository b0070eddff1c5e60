import { randomInt } from 'node:crypto';
import { MediaStream, MediaStreamTrack, type RTCRtpSender, type RTCRtpTransceiver } from 'werift';
import { SAMPLE_RATE_HZ } from '../audio/pcm.ts';
import { type Packet, VIDEO_CLOCK_HZ, type VideoCodec } from '../codecs/packet.ts';
import type { Timers } from '../timers.ts';
import { MAX_FIRST_SEQUENCE_NUMBER, MuseTalkVideoTrack } from './musetalk-video-track.ts';
import type { Offer } from './offer.ts';
import { roundTripMs } from './peer-figures.ts';
import { limitRetransmissions, type RetransmissionBudget } from './retransmission-budget.ts';
import { stampSendTimes } from './send-times.ts';
import { fixSenderReports, RtpClock } from './sender-reports.ts';
import { SoundSender } from './sound-sender.ts';

interface Outgoing<Track> {
  readonly transceiver: RTCRtpTransceiver;
  readonly track: Track;
  readonly clock: RtpClock;
}

/** The picture and the sound that one viewer is sent. Each track is made when an offer first asks for it, and then kept. */
export class OutgoingTracks {
  readonly #budget: RetransmissionBudget;
  readonly #originEpochMs: () => number;
  readonly #onRefused: () => void;
  readonly #timers: Timers;
  /** Both tracks belong to one stream, which is what makes browsers play them in step. */
  readonly #stream = new MediaStream();
  #video: Outgoing<MuseTalkVideoTrack> | null = null;
  #audio: Outgoing<MediaStreamTrack> | null = null;
  #sound: SoundSender | null = null;
  #sentVideoBytes = 0;

  constructor(options: {
    budget: RetransmissionBudget;
    /** Unix time in ms of media time 0. */
    originEpochMs: () => number;
    /** Packets of the picture were not sent again: a key frame has to take their place. */
    onRefused: () => void;
    timers: Timers;
  }) {
    this.#budget = options.budget;
    this.#originEpochMs = options.originEpochMs;
    this.#onRefused = options.onRefused;
    this.#timers = options.timers;
  }

  get videoSender(): RTCRtpSender | null {
    return this.#video?.transceiver.sender ?? null;
  }

  get audioSender(): RTCRtpSender | null {
    return this.#audio?.transceiver.sender ?? null;
  }

  /** Codec of the picture, once there is one; it stays. */
  get videoCodec(): VideoCodec | null {
    return this.#video?.track.videoCodec ?? null;
  }

  /** RTP time stamp of the picture at media time 0; null without a picture. */
  get videoRtpOrigin(): number | null {
    return this.#video?.clock.origin ?? null;
  }

  /** Payload type of sound, in both directions. */
  get audioPayloadType(): number | undefined {
    return this.#audio?.transceiver.codecs[0]?.payloadType;
  }

  /** Encoded pictures taken, without packet headers and repetitions. */
  get sentVideoBytes(): number {
    return this.#sentVideoBytes;
  }

  /** Gives each section of the offer its track and direction; those that are not used become inactive. */
  async connect(transceivers: readonly RTCRtpTransceiver[], offer: Offer): Promise<void> {
    for (const transceiver of transceivers) {
      const index = transceiver.mLineIndex;
      if (index === offer.videoSection && offer.videoCodec) {
        this.#video ??= await this.#attachVideo(transceiver, offer.videoCodec);
        transceiver.setDirection('sendonly');
      } else if (index === offer.audioSection) {
        this.#audio ??= await this.#attach(transceiver, new MediaStreamTrack({ kind: 'audio' }), SAMPLE_RATE_HZ);
        this.#sound ??= new SoundSender(transceiver, this.#audio.clock, randomInt(MAX_FIRST_SEQUENCE_NUMBER));
        transceiver.setDirection('sendrecv');
      } else {
        transceiver.setDirection('inactive');
      }
    }
  }

  sendPicture(packet: Packet): void {
    if (!this.#video) return;
    const { track, clock } = this.#video;
    this.#budget.onSent(track.sendPicture(packet.data, clock.stamp(packet.timestamp)));
    this.#sentVideoBytes += packet.data.byteLength;
  }

  sendSound(packet: Packet): void {
    this.#sound?.send(packet.data, packet.timestamp);
  }

  /** Idempotent. */
  end(): void {
    this.#video?.track.end();
    this.#audio?.track.stop();
    this.#sound = null;
  }

  async #attachVideo(transceiver: RTCRtpTransceiver, codec: VideoCodec): Promise<Outgoing<MuseTalkVideoTrack>> {
    const { sender } = transceiver;
    const video = await this.#attach(transceiver, new MuseTalkVideoTrack(codec, this.#timers), VIDEO_CLOCK_HZ);
    stampSendTimes(transceiver, () => this.#timers.nowMs());
    limitRetransmissions(sender, this.#budget, { roundTripMs: () => roundTripMs(sender), onRefused: this.#onRefused });
    return video;
  }

  async #attach<Track extends MediaStreamTrack>(
    transceiver: RTCRtpTransceiver,
    track: Track,
    clockRateHz: number,
  ): Promise<Outgoing<Track>> {
    this.#stream.addTrack(track);
    transceiver.sender.setStreams([this.#stream]);
    await transceiver.sender.replaceTrack(track);
    const clock = new RtpClock(clockRateHz, randomInt(2 ** 32));
    fixSenderReports(transceiver.sender, clock, this.#originEpochMs);
    return { transceiver, track, clock };
  }
}
