import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RtpHeader } from 'werift';
import { PeerPair } from '../testing/peer-pair.ts';
import { sendTime } from './send-times.ts';

test('a time of sending counts 2^18 ticks a second and wraps after 64 seconds', () => {
  assert.equal(sendTime(0).toString('hex'), '000000');
  assert.equal(sendTime(1000).toString('hex'), '040000');
  assert.equal(sendTime(63_999.999).toString('hex'), 'ffffff');
  assert.equal(sendTime(64_500).toString('hex'), '020000');
});

test('packets of pictures bear when they were sent, those that are sent again too', async (context) => {
  const seen: { header: RtpHeader; arrivedMs: number }[] = [];
  let isLost = false;
  const loses = (header: unknown): boolean => {
    assert.ok(header instanceof RtpHeader);
    // One packet in the middle does not arrive, so that it is asked for again.
    if (seen.length === 30 && !isLost) {
      isLost = true;
      return true;
    }
    seen.push({ header, arrivedMs: performance.now() });
    return false;
  };
  const pair = await PeerPair.connect({ client: { loses } });
  context.after(() => pair.close());
  await pair.exchange(50, 20);

  const id = Number(/^a=extmap:(\d+) \S+abs-send-time/m.exec(pair.answerSdp)?.[1]);
  const stamped = seen.flatMap(({ header, arrivedMs }) => {
    const bytes = header.extensions.find((extension) => extension.id === id)?.payload;
    return bytes ? [{ ssrc: header.ssrc, sentMs: (bytes.readUIntBE(0, 3) * 1000) / 2 ** 18, arrivedMs }] : [];
  });
  assert.equal(new Set(stamped.map(({ ssrc }) => ssrc)).size, 2, 'pictures and repetitions');
  const first = stamped[0]!;
  for (const { sentMs, arrivedMs } of stamped) {
    const tookMs = ((sentMs - first.sentMs + 64_000) % 64_000) - (arrivedMs - first.arrivedMs);
    assert.ok(Math.abs(tookMs) < 100, `the stamp is ${tookMs} ms beside the arrival`);
  }
});
