import type { MouthPatch } from './engine.ts';

/** Bytes of a picture that are looked at: a face has many shades, wherever one looks. */
const PROBES = 64;

/**
 * Why a patch cannot be shown, or null. A device that fails quietly gives numbers that are none (NaN), and bytes that such were
 * turned into are all the same. Looks at each number, but at a few dozen bytes of a picture only: about a microsecond.
 */
export function brokenPatch(patch: MouthPatch): string | null {
  if (patch.kind === 'box') return isOneShade(patch.picture) ? 'the engine drew a face of one shade (NaN?)' : null;
  const { flow, parameters } = patch;
  if (flow && !isAllFinite(flow)) return 'the engine drew a flow with numbers that are not finite (NaN)';
  if (parameters && !isAllFinite(parameters)) return 'the engine gave parameters that are not finite (NaN)';
  return null;
}

/** A sum is finite only if all that is in it is; float32 cannot overflow a float64. */
function isAllFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i];
  return Number.isFinite(sum);
}

function isOneShade(bytes: Uint8Array): boolean {
  const step = Math.max(1, Math.floor(bytes.length / PROBES));
  for (let at = step; at < bytes.length; at += step) if (bytes[at] !== bytes[0]) return false;
  return true;
}
