import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMsOf, ntpOf, RtpClock } from './sender-reports.ts';

test('an NTP time stamp gives back the millisecond it was made from, to a microsecond', () => {
  for (const epochMs of [0, 1_700_000_000_000, 1_700_000_000_999.5, 1_763_500_000_123.456]) {
    assert.ok(Math.abs(epochMsOf(ntpOf(epochMs)) - epochMs) < 0.001, `${epochMs} became ${epochMsOf(ntpOf(epochMs))}`);
  }
});

test('half a second is the highest bit of the fraction', () => {
  assert.equal(ntpOf(500) & 0xffff_ffffn, 0x8000_0000n);
  assert.equal(ntpOf(0) >> 32n, 2_208_988_800n);
});

test('time stamps wrap at 2^32, and media time does not', () => {
  const clock = new RtpClock(90_000, 2 ** 32 - 1800);
  assert.equal(clock.stamp(0), 2 ** 32 - 1800);
  assert.equal(clock.mediaMs(2 ** 32 - 1800), 0);
  assert.equal(clock.stamp(3600), 1800);
  assert.equal(clock.mediaMs(1800), 40);
  assert.equal(clock.mediaMs(2 ** 32 - 1800), 0);
});

test('media time is exact after a hundred hours', () => {
  const clock = new RtpClock(90_000, 4_000_000_000);
  const ticks = 100 * 3600 * 90_000;
  assert.equal(clock.mediaMs(clock.stamp(ticks)), 100 * 3600 * 1000);
});
