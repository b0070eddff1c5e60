import { FRAMES_PER_SECOND } from '../audio/pcm.ts';
import { type Avatar, type AvatarClip, avatarFrame } from '../avatars/avatar.ts';
import type { Packet, VideoCodec } from '../codecs/packet.ts';
import type { Log } from '../log.ts';
import type { EncoderSource } from './encoder-source.ts';

/** A viewer can be put on an encoded loop at every so many frames: each of them is a key frame. */
const KEY_INTERVAL_FRAMES = FRAMES_PER_SECOND;

/** A picture that is the avatar's own, and where in which clip it stands. */
export interface OwnFrame {
  readonly avatar: Avatar;
  readonly clip: AvatarClip;
  /** 0 to `clip.frameCount − 1`. */
  readonly clipFrame: number;
}

/** Encoded pictures of a clip, one per frame, to be played round and round; `timestamp` has no meaning. */
export type EncodedLoop = readonly Packet[];

/**
 * The avatars' clips, encoded once for all sessions that have nothing to say: those share these packets instead of encoding
 * the same pictures each for itself. Made when they are first asked for, one at a time; kept as long as the avatar's pictures
 * are (some 400 kB per clip and codec).
 */
export class IdleLoops {
  readonly #encoders: Pick<EncoderSource, 'openVideo'>;
  readonly #bitrateBps: number;
  readonly #log: Log;
  readonly #loops = new WeakMap<SharedArrayBuffer, Map<VideoCodec, EncodedLoop | null>>();
  #tail: Promise<void> = Promise.resolve();

  /** @param bitrateBps Most that a loop may take. */
  constructor(encoders: Pick<EncoderSource, 'openVideo'>, bitrateBps: number, log: Log) {
    this.#encoders = encoders;
    this.#bitrateBps = bitrateBps;
    this.#log = log;
  }

  /** Bits per second that a viewer must be able to take to be put on a loop. */
  get bitrateBps(): number {
    return this.#bitrateBps;
  }

  /** The loop of `clip`, or null while it is not there yet; the first call begins to make it. */
  find({ avatar, clip }: OwnFrame, codec: VideoCodec): EncodedLoop | null {
    let byCodec = this.#loops.get(clip.frames);
    if (!byCodec) {
      byCodec = new Map();
      this.#loops.set(clip.frames, byCodec);
    }
    const known = byCodec.get(codec);
    if (known !== undefined) return known;
    byCodec.set(codec, null);
    const store = byCodec;
    this.#tail = this.#tail.then(async () => {
      try {
        store.set(codec, await this.#encode(avatar, clip, codec));
      } catch (error) {
        // Sessions go on encoding for themselves.
        this.#log.warn({ err: error, avatarId: avatar.id, codec }, 'an idle loop could not be encoded');
      }
    });
    return null;
  }

  /** Settles when all that was asked for so far has been made. */
  async settled(): Promise<void> {
    await this.#tail;
  }

  async #encode(avatar: Avatar, clip: AvatarClip, codec: VideoCodec): Promise<EncodedLoop> {
    const { widthPx, heightPx } = avatar;
    const encoder = await this.#encoders.openVideo({
      codec,
      widthPx,
      heightPx,
      framesPerSecond: FRAMES_PER_SECOND,
      bitrateBps: this.#bitrateBps,
    });
    try {
      const packets: Packet[] = [];
      for (let frameIndex = 0; frameIndex < clip.frameCount; frameIndex += 1) {
        const keyFrame = frameIndex % KEY_INTERVAL_FRAMES === 0;
        packets.push(await encoder.encode(avatarFrame(avatar, clip, frameIndex), { frameIndex, keyFrame }));
      }
      return packets;
    } finally {
      await encoder.close();
    }
  }
}
