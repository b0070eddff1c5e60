import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogMel, MEL_BINS } from '../../../server/audio/log-mel.ts';
import { MODEL_SAMPLE_RATE_HZ } from '../../../server/audio/pcm.ts';

test('the server hears a signal as the network heard it in training', () => {
  const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden-mel.json'), 'utf8')) as {
    rows: Record<string, number[]>;
  };
  const rows = new LogMel().push(goldenSignal());
  for (const [row, expected] of Object.entries(golden.rows)) {
    const found = rows.subarray(Number(row) * MEL_BINS, (Number(row) + 1) * MEL_BINS);
    for (const [bin, value] of expected.entries()) {
      assert.ok(Math.abs(found[bin] - value) < 1e-3, `row ${row}, bin ${bin}: ${found[bin]}, in training ${value}`);
    }
  }
});

/** The same as `golden_signal` in features.py. */
function goldenSignal(): Float32Array {
  return Float32Array.from({ length: 3200 }, (_, n) => {
    const t = n / MODEL_SAMPLE_RATE_HZ;
    if (t < 0.02) return 0;
    return 0.3 * Math.sin(2 * Math.PI * (200 * t + 9000 * t * t)) + 0.02 * Math.sin(2 * Math.PI * 5100 * t);
  });
}
