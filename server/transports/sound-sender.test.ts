import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RTCRtpTransceiver, RTP_EXTENSION_URI, type RtpHeader } from 'werift';
import { RtpClock } from './sender-reports.ts';
import { SoundSender } from './sound-sender.ts';

const FIRST_TIMESTAMP = 2 ** 32 - 960;

/** A section for sound as negotiation leaves it, without a network. */
function section(state: string) {
  const sent: { sequenceNumber: number; timestamp: number; payload: string }[] = [];
  const headers: RtpHeader[] = [];
  const sender = {
    ssrc: 77,
    packetCount: 0,
    octetCount: 0,
    rtpTimestamp: 0,
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

function soundOf(transceiver: RTCRtpTransceiver): SoundSender {
  return new SoundSender(transceiver, new RtpClock(48_000, FIRST_TIMESTAMP), 65_534);
}

test('packets are numbered and stamped without a seam where the numbers wrap, with the names of their section and source', () => {
  const { sent, headers, transceiver } = section('connected');
  const sound = soundOf(transceiver);
  for (const [i, payload] of ['one', 'two', 'three'].entries()) sound.send(Buffer.from(payload), i * 960);
  assert.deepEqual(sent, [
    { sequenceNumber: 65_534, timestamp: FIRST_TIMESTAMP, payload: 'one' },
    { sequenceNumber: 65_535, timestamp: 0, payload: 'two' },
    { sequenceNumber: 0, timestamp: 960, payload: 'three' },
  ]);
  const { ssrc, payloadType, extensions } = headers[0]!;
  assert.deepEqual(
    [ssrc, payloadType, extensions.map(({ id, payload }) => [id, payload.toString()])],
    [77, 96, [[3, '0']]],
  );
});

test('the library reports how much was sent, and up to when', () => {
  const { sender, transceiver } = section('connected');
  const sound = soundOf(transceiver);
  for (let i = 0; i < 51; i += 1) sound.send(Buffer.alloc(80), i * 960);
  assert.deepEqual([sender.packetCount, sender.octetCount, sender.reportsStarted], [51, 51 * 80, 51]);
  assert.equal(sender.rtpTimestamp, 49 * 960);
});

test('sound is dropped while there is no connection, and time goes on', () => {
  const { sender, sent, transceiver } = section('connecting');
  const sound = soundOf(transceiver);
  sound.send(Buffer.from('lost'), 0);
  assert.deepEqual([sent.length, sender.packetCount], [0, 0]);
  sender.dtlsTransport.state = 'connected';
  sound.send(Buffer.from('sent'), 960);
  assert.deepEqual(sent, [{ sequenceNumber: 65_534, timestamp: 0, payload: 'sent' }]);
});
