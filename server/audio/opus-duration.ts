const SILK_SAMPLES = [480, 960, 1920, 2880];
const HYBRID_SAMPLES = [480, 960];
const CELT_SAMPLES = [120, 240, 480, 960];
/** 120 ms, the most that a packet may hold. */
const MOST_SAMPLES = 5760;

/**
 * How much sound an Opus packet holds, in samples at 48 kHz, read from its first two bytes (RFC 6716 §3.1 and §3.2).
 * Null if the bytes are no Opus packet.
 */
export function opusDurationSamples(payload: Uint8Array): number | null {
  if (payload.length === 0) return null;
  const config = payload[0] >> 3;
  const frameSamples =
    config < 12 ? SILK_SAMPLES[config % 4] : config < 16 ? HYBRID_SAMPLES[config % 2] : CELT_SAMPLES[config % 4];
  const frames = frameCount(payload);
  const samples = frames * frameSamples;
  return samples > 0 && samples <= MOST_SAMPLES ? samples : null;
}

function frameCount(payload: Uint8Array): number {
  const code = payload[0] & 3;
  if (code === 0) return 1;
  if (code < 3) return 2;
  return payload.length < 2 ? 0 : payload[1] & 0x3f;
}
