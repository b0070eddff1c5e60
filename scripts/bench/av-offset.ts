import { SAMPLE_RATE_HZ } from '../../server/audio/pcm.ts';
import { VIDEO_CLOCK_HZ } from '../../server/codecs/packet.ts';
import type { PageEvents } from './chromium.ts';
import type { RtpOrigins } from './server-process.ts';

/** The packet of sound that plays nearest to a flash is at most this far away, else sound was missing there. */
const NEAREST_SOUND_MS = 100;
/** A beep and a flash this close belong together. */
const PAIR_WITHIN_MS = 450;
/** How far the picture is behind its sound at one moment; negative when the sound comes after the picture. */
export interface Offset {
  readonly atMs: number;
  readonly soundEarlyMs: number;
}

export interface Watched {
  readonly offsets: readonly Offset[];
  /** Media time of each flash within its second, ms: 0 if pictures bear the right time stamps. */
  readonly flashMediaMs: readonly number[];
  /** The browser's own opinion of the offset, ms; it takes the screen for faster than it is. */
  readonly estimatesMs: readonly number[];
  /** From when the browser says that a beep's time stamp is played to when the beep is heard in the audio graph, ms. */
  readonly beepBehindMs: readonly number[];
}

/** What the events of the measuring page say of sound and picture, given the RTP time stamps of media time 0. */
export function evaluate(
  { flashes, beeps, sounds, estimates }: Pick<PageEvents, 'flashes' | 'beeps' | 'sounds' | 'estimates'>,
  origins: RtpOrigins,
): Watched {
  const heard = sounds.map(({ atMs, rtpTimestamp }) => ({
    atMs,
    mediaMs: ((rtpTimestamp - origins.audio) >>> 0) / (SAMPLE_RATE_HZ / 1000),
  }));
  const seen = flashes.map(({ atMs, rtpTimestamp }) => ({
    atMs,
    mediaMs: ((rtpTimestamp - origins.video) >>> 0) / (VIDEO_CLOCK_HZ / 1000),
  }));
  const pairs = seen.flatMap(({ atMs, mediaMs }) => {
    const sound = nearest(heard, (each) => each.mediaMs - mediaMs, NEAREST_SOUND_MS);
    return sound ? [{ atMs, heardMs: sound.atMs + mediaMs - sound.mediaMs }] : [];
  });
  return {
    offsets: pairs.map(({ atMs, heardMs }) => ({ atMs, soundEarlyMs: atMs - heardMs })),
    estimatesMs: estimates,
    flashMediaMs: seen.map(({ mediaMs }) => mediaMs % 1000),
    beepBehindMs: beeps.flatMap((beepMs) => {
      const pair = nearest(pairs, ({ heardMs }) => heardMs - beepMs, PAIR_WITHIN_MS);
      return pair ? [beepMs - pair.heardMs] : [];
    }),
  };
}

/** Of `list`, the one with the smallest distance, if that is below `limit`. */
function nearest<T>(list: readonly T[], distance: (each: T) => number, limit: number): T | null {
  let best: T | null = null;
  let bestDistance = limit;
  for (const each of list) {
    if (Math.abs(distance(each)) >= bestDistance) continue;
    best = each;
    bestDistance = Math.abs(distance(each));
  }
  return best;
}
