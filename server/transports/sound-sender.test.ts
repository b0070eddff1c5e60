import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RTCRtpTransceiver, RTP_EXTENSION_URI, type RtpHeader } from 'werift';
import { ntpOf } from './sender-reports.ts';
import { SoundSender } from './sound-sender.ts';

const ORIGIN_EPOCH_MS = 1_763_500_000_123;

/** A section for sound as negotiation leaves it, without a network. */
function section(state: string) {
  const sent: { sequenceNumber: number; timestamp: number; payload: string }[] = [];
  const headers: RtpHeader[] = [];
  const sender = {
    ssrc: 77,
    packetCount: 0,
    octetCount: 0,
    ntpTimestamp: 0n,
    reportsStarted: 0,
    dtlsTransport: {
      state,
      sendRtp: async (payload: Buffer, header: RtpHeader) => {
        const { sequenceNumber, timestamp } = header;
        sent.push({ sequenceNumber, timestamp, payload: payload.toString() });
        headers.push(header);
      },
    },
    runRtcp: async () => {
      sender.reportsStarted += 1;
    },
  };
  const headerExtensions = [{ id: 3, uri: RTP_EXTENSION_URI.sdesMid }];
  const transceiver = { sender, codecs: [{ payloadType: 96 }], headerExtensions, mid: '0' };
  return { sender, sent, headers, transceiver: transceiver as unknown as RTCRtpTransceiver };
}

test('packets follow each other by 20 ms of samples, with the names of their section and source', () => {
  const { sent, headers, transceiver } = section('connected');
  const sound = new SoundSender(transceiver, () => ORIGIN_EPOCH_MS);
  for (const payload of ['one', 'two', 'three']) sound.send(Buffer.from(payload));
  const first = sent[0]!.sequenceNumber;
  assert.deepEqual(sent, [
    { sequenceNumber: first, timestamp: 0, payload: 'one' },
    { sequenceNumber: first + 1, timestamp: 960, payload: 'two' },
    { sequenceNumber: first + 2, timestamp: 1920, payload: 'three' },
  ]);
  const { ssrc, payloadType, extensions } = headers[0]!;
  assert.deepEqual(
    [ssrc, payloadType, extensions.map(({ id, payload }) => [id, payload.toString()])],
    [77, 96, [[3, '0']]],
  );
});

test('the library reports what was sent and when it was said', () => {
  const { sender, transceiver } = section('connected');
  const sound = new SoundSender(transceiver, () => ORIGIN_EPOCH_MS);
  for (let i = 0; i < 51; i += 1) sound.send(Buffer.alloc(80));
  assert.deepEqual([sender.packetCount, sender.octetCount, sender.reportsStarted], [51, 51 * 80, 51]);
  assert.equal(sender.ntpTimestamp, ntpOf(ORIGIN_EPOCH_MS + 1000));
});

test('sound is dropped while there is no connection', () => {
  const { sender, sent, transceiver } = section('connecting');
  const sound = new SoundSender(transceiver, () => ORIGIN_EPOCH_MS);
  sound.send(Buffer.from('lost'));
  assert.deepEqual([sent.length, sender.packetCount], [0, 0]);
  sender.dtlsTransport.state = 'connected';
  sound.send(Buffer.from('sent'));
  assert.deepEqual(sent[0]?.timestamp, 0);
});
