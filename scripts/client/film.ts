import { FRAME_SAMPLES, MODEL_SAMPLE_RATE_HZ, SAMPLE_RATE_HZ } from '../../server/audio/pcm.ts';
import { resample } from '../../server/audio/resampler.ts';
import { decodeVideo } from '../../server/codecs/decode-video.ts';
import { VideoFileWriter } from '../../server/codecs/video-file-writer.ts';
import { AppError } from '../../server/errors.ts';
import type { Seen } from './watch.ts';

const FRAME_MS = 40;
/** Looks like what came: x264's constant rate factor. */
const CRF = 14;
const SIZE_PX = 512;

/**
 * Writes what was seen, with what was said under it where the pictures say that it belongs.
 *
 * @param said All sound that was sent, mono 16 kHz.
 * @returns Pictures that were decoded.
 * @throws {AppError} `codec_failed` if a picture cannot be decoded or the file not be written.
 */
export async function writeFilm(path: string, seen: readonly Seen[], said: Int16Array): Promise<number> {
  const samples = resample(
    Float32Array.from(said, (value) => value / 32_768),
    MODEL_SAMPLE_RATE_HZ,
    SAMPLE_RATE_HZ,
  );
  const writer = await VideoFileWriter.open(path, {
    widthPx: SIZE_PX,
    heightPx: SIZE_PX,
    framesPerSecond: 1000 / FRAME_MS,
    crf: CRF,
    hasAudio: true,
  });
  let decoded = 0;
  try {
    // From key frame to key frame, so that a second of pictures is in memory and not the whole film.
    for (const group of groups(seen)) {
      const packets = group.map(({ data, timestampMs, isKeyFrame }) => ({
        data,
        timestamp: timestampMs * 90,
        isKeyFrame,
      }));
      const frames = await decodeVideo('H264', packets);
      if (frames.length !== group.length) {
        throw new AppError('codec_failed', `${group.length} pictures came, ${frames.length} of them can be decoded`);
      }
      for (const [i, frame] of frames.entries()) {
        await writer.writeFrame(frame);
        await writer.writeAudio(soundOf(group[i], samples));
      }
      decoded += frames.length;
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return decoded;
}

/** Pictures from one key frame up to the next; what comes before the first one cannot be decoded. */
export function groups<T extends { readonly isKeyFrame: boolean }>(seen: readonly T[]): T[][] {
  const found: T[][] = [];
  for (const picture of seen) {
    if (picture.isKeyFrame) found.push([]);
    found.at(-1)?.push(picture);
  }
  return found;
}

/** The 40 ms that a picture shows, at 48 kHz; zeros where it shows none. */
function soundOf({ audioMs }: Pick<Seen, 'audioMs'>, samples: Float32Array): Float32Array {
  const sound = new Float32Array(FRAME_SAMPLES);
  if (audioMs === null) return sound;
  const start = Math.round((audioMs * SAMPLE_RATE_HZ) / 1000);
  const piece = samples.subarray(Math.max(0, start), Math.max(0, start + FRAME_SAMPLES));
  sound.set(piece, Math.max(0, -start));
  return sound;
}
