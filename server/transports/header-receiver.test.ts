import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type RTCDtlsTransport, type RTCRtpReceiver, RtpHeader, SrtpSession } from 'werift';
import { Metrics } from '../metrics.ts';
import { PeerPair } from '../testing/peer-pair.ts';
import type { ReceivedFrame } from './frame-assembler.ts';
import { type CipheredPacket, HeaderReceiver } from './header-receiver.ts';
import type { ClientOptions } from './webrtc-client.ts';

const VIDEO_TYPE = 97;
/** Packets of the pictures that a pair sends: of the first, and of the others. */
const KEY_PACKETS = 18;
const PACKETS = 4;
const KINDS = ['whole', 'headers'] as const;

const open: PeerPair[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pair) => pair.close()));
});

/** A server and a viewer of one kind on loopback, and what the viewer saw. */
async function watch(media: ClientOptions['media'], client: ClientOptions = {}, metrics?: Metrics) {
  const frames: ReceivedFrame[] = [];
  const seen = { frames, gaps: 0, sounds: 0 };
  const pair = await PeerPair.connect({
    client: { ...client, media },
    peer: { metrics },
    clientEvents: {
      onVideoFrame: (frame) => frames.push(frame),
      onVideoGap: () => {
        seen.gaps += 1;
      },
      onSound: () => {
        seen.sounds += 1;
      },
    },
  });
  open.push(pair);
  return { pair, seen };
}

/** What both kinds have to agree on. */
function counted(frames: readonly ReceivedFrame[]): number[][] {
  const first = frames[0]!.rtpTimestamp;
  return frames.map(({ rtpTimestamp, sizeBytes, packets }) => [(rtpTimestamp - first) >>> 0, sizeBytes, packets]);
}

/** Loses the first packet of the picture `index` for good. */
function losesOneForGood(index: number): NonNullable<ClientOptions['loses']> {
  let first: number | null = null;
  return ({ payloadType, sequenceNumber }) => {
    if (payloadType === VIDEO_TYPE + 1) return true;
    if (payloadType !== VIDEO_TYPE) return false;
    first ??= sequenceNumber;
    return sequenceNumber - first === KEY_PACKETS + (index - 1) * PACKETS;
  };
}
test('a viewer that reads headers alone counts the same pictures as one that deciphers everything', async () => {
  const seen = await Promise.all(
    KINDS.map(async (media) => {
      const { pair, seen } = await watch(media);
      await pair.exchange(20);
      return seen;
    }),
  );
  assert.deepEqual(counted(seen[1]!.frames), counted(seen[0]!.frames));
  assert.deepEqual(
    seen[1]!.frames.map(({ isKeyFrame, packets }) => [isKeyFrame, packets]),
    [[true, KEY_PACKETS], ...Array.from({ length: 19 }, () => [false, PACKETS])],
  );
  assert.deepEqual(
    seen.map(({ gaps, sounds }) => [gaps, sounds > 0]),
    [
      [0, true],
      [0, false],
    ],
  );
});

test('what gets lost is asked for again, and the pictures become whole', async () => {
  let packets = 0;
  const { pair, seen } = await watch('headers', {
    loses: ({ payloadType }) => {
      if (payloadType === VIDEO_TYPE) packets += 1;
      return payloadType === VIDEO_TYPE && packets % 13 === 5;
    },
  });
  await pair.exchange(20, 20);
  assert.equal(seen.gaps, 0);
  assert.ok(pair.peer.stats().retransmitted >= 5, `${pair.peer.stats().retransmitted} packets were sent again`);
});

test('pictures lost for good are missing, for both kinds alike, until the next key frame', async () => {
  for (const media of KINDS) {
    const { pair, seen } = await watch(media, { loses: losesOneForGood(10), recovers: false });
    await pair.send(50);
    await pair.send(10, { beginsAnew: true });
    const endMs = performance.now() + 2000;
    while (seen.frames.length < 20 && performance.now() < endMs) await delay(5);
    const stamps = counted(seen.frames).map(([stamp]) => stamp! / 3600);
    assert.deepEqual(
      stamps,
      [0, 50].flatMap((begin) => Array.from({ length: 10 }, (_, i) => begin + i)),
      media,
    );
    assert.deepEqual([seen.gaps, seen.frames[10]!.isKeyFrame], [1, true], media);
  }
});

test('the server hears the same of loss and round trip from both kinds', async () => {
  await Promise.all(
    KINDS.map(async (media) => {
      const metrics = new Metrics();
      const loses = ({ sequenceNumber }: { sequenceNumber: number }): boolean => sequenceNumber % 4 === 0;
      const { pair } = await watch(media, { loses }, metrics);
      const loss = metrics.histogram('rtcp_lost_percent');
      for (let sent = 0; metrics.histogram('rtcp_round_trip_ms').total.count < 2; sent += 1) {
        await pair.send(1, { intervalMs: 20 });
        assert.ok(sent < 400, `${media}: no round trip was measured`);
      }
      const { max } = loss.summary();
      assert.ok(max > 10 && max < 40, `${media}: ${max} % are said to be lost`);
    }),
  );
});

test('pictures go on after an ICE restart', async () => {
  const { pair, seen } = await watch('headers');
  await pair.exchange(5);
  await pair.client.restart((offerSdp) => pair.peer.renegotiate(offerSdp));
  for (let tried = 0; seen.frames.length < 15; tried += 1) {
    // What is sent while the path is checked anew is lost.
    await pair.send(1, { beginsAnew: true });
    assert.ok(tried < 300, 'pictures did not go on');
  }
});

/** Both ends of an SRTP session, and a transport that got this far: no sockets. */
function ciphers(profile: number) {
  const server = { key: Buffer.alloc(16, 1), salt: Buffer.alloc(profile === 7 ? 12 : 14, 2) };
  const viewer = { key: Buffer.alloc(16, 3), salt: Buffer.alloc(profile === 7 ? 12 : 14, 4) };
  const session = (local: typeof server, remote: typeof server): SrtpSession =>
    new SrtpSession({
      profile,
      keys: {
        ...{ localMasterKey: local.key, localMasterSalt: local.salt },
        ...{ remoteMasterKey: remote.key, remoteMasterSalt: remote.salt },
      },
    });
  const delivered: Buffer[] = [];
  const onData = { execute: (datagram: Buffer) => void delivered.push(datagram) };
  const srtp = session(viewer, server);
  const transport = { srtpStarted: true, srtp, iceTransport: { connection: { onData } } };
  return {
    sender: session(server, viewer),
    srtp,
    delivered,
    transport: transport as unknown as RTCDtlsTransport,
    receive: (datagram: Buffer) => onData.execute(datagram),
  };
}

for (const [name, profile] of [
  ['AES-GCM', 7],
  ['AES-CM with HMAC-SHA1', 1],
] as const) {
  test(`after a wrap of the sequence number among packets not deciphered, ${name} still deciphers the next`, () => {
    const { sender, srtp, delivered, transport, receive } = ciphers(profile);
    const seen: number[][] = [];
    let isNeeded = false;
    const receiver = {
      handleRtpBySsrc: ({ header, payload }: CipheredPacket) => seen.push([header.sequenceNumber, payload.length]),
    } as unknown as RTCRtpReceiver;
    new HeaderReceiver(transport, () => (isNeeded ? null : receiver));
    const send = (sequenceNumber: number): void => {
      const header = new RtpHeader({ payloadType: VIDEO_TYPE, sequenceNumber, ssrc: 5, timestamp: 9 });
      receive(sender.encrypt(Buffer.from('a picture'), header));
    };
    for (const sequenceNumber of [65_530, 65_534, 65_535, 0, 3]) send(sequenceNumber);
    assert.deepEqual(
      seen,
      [65_530, 65_534, 65_535, 0, 3].map((sequenceNumber) => [sequenceNumber, 9]),
    );
    isNeeded = true;
    send(4);
    assert.equal(delivered.length, 1);
    assert.match(srtp.decrypt(delivered[0]!).toString(), /a picture$/);
  });
}

test('padded packets, other types of payload, RTCP and what came before the keys go the library’s way', () => {
  const { sender, delivered, transport, receive } = ciphers(7);
  const taken: number[] = [];
  const receiver = { handleRtpBySsrc: ({ header }: CipheredPacket) => taken.push(header.payloadType) };
  new HeaderReceiver(transport, (type) => (type === VIDEO_TYPE ? (receiver as unknown as RTCRtpReceiver) : null));
  const media = (fields: Partial<RtpHeader>): Buffer =>
    sender.encrypt(Buffer.alloc(20), new RtpHeader({ payloadType: VIDEO_TYPE, ssrc: 5, ...fields }));
  const others = [
    media({ payloadType: VIDEO_TYPE + 1 }),
    media({ padding: true, sequenceNumber: 1 }),
    Buffer.from([0x80, 200, 0, 6, ...new Uint8Array(24)]),
    Buffer.from([22, 0xfe, 0xfd, ...new Uint8Array(24)]),
    media({ sequenceNumber: 2 }).subarray(0, 20),
  ];
  for (const datagram of others) receive(datagram);
  assert.deepEqual([delivered, taken], [others, []]);
  receive(media({ sequenceNumber: 3 }));
  assert.deepEqual([delivered.length, taken], [others.length, [VIDEO_TYPE]]);
  transport.srtpStarted = false;
  receive(media({ sequenceNumber: 4 }));
  assert.equal(delivered.length, others.length + 1);
});
