import type { MouthReport } from '../../server/session/mouth-reports.ts';

/** One frame's mouth as a line of JSON: `time_ms`, the eight parameters, the fifteen visemes; numbers with four digits. */
export function mouthLine({ timeMs, parameters, visemes }: MouthReport): string {
  const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? Math.round(value * 1e4) / 1e4 : value);
  return `${JSON.stringify({ time_ms: timeMs, parameters, visemes }, rounded)}\n`;
}
