import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { VideoCodec } from '../codecs/packet.ts';
import { AppError } from '../errors.ts';
import { Metrics } from '../metrics.ts';
import type { ReceivedFrame } from './frame-assembler.ts';
import {
  type ClientEvents,
  type ClientOptions,
  type ReceivedReport,
  type ReceivedSound,
  WebRtcClient,
} from './webrtc-client.ts';
import { type MicrophonePacket, type PeerEvents, type PeerOptions, WebRtcPeer } from './webrtc-peer.ts';

const OPTIONS: PeerOptions = {
  iceServers: [],
  transportPolicy: 'all',
  hostAddresses: ['127.0.0.1'],
  portRange: null,
  useTcp: false,
  useIpv6: false,
};
const ORIGIN_EPOCH_MS = 1_763_500_000_123.456;
const WRAP = 2 ** 32;

/** A viewer and a server on loopback, and what each of them saw. */
class Pair {
  readonly frames: ReceivedFrame[] = [];
  readonly sounds: ReceivedSound[] = [];
  readonly reports: ReceivedReport[] = [];
  readonly microphone: MicrophonePacket[] = [];
  readonly bandwidths: number[] = [];
  readonly ends: string[] = [];
  readonly clientEnds: string[] = [];
  keyFrameRequests = 0;
  gaps = 0;
  isConnected = false;
  readonly client: WebRtcClient;
  peer!: WebRtcPeer;

  readonly #clientEvents: ClientEvents = {
    onVideoFrame: (frame) => this.frames.push(frame),
    onVideoGap: () => {
      this.gaps += 1;
    },
    onSound: (sound) => this.sounds.push(sound),
    onSenderReport: (report) => this.reports.push(report),
    onClosed: (reason) => this.clientEnds.push(reason),
  };

  readonly peerEvents: PeerEvents = {
    onKeyFrameRequest: () => {
      this.keyFrameRequests += 1;
    },
    onBandwidth: (bps) => this.bandwidths.push(bps),
    onConnected: () => {
      this.isConnected = true;
    },
    onClosed: (reason) => this.ends.push(reason),
    onMicrophonePacket: (packet) => this.microphone.push(packet),
    onIceCandidate: () => {},
  };

  constructor(options: ClientOptions = {}) {
    this.client = new WebRtcClient(options, this.#clientEvents);
    open.push(this);
  }

  async connect(
    options: Partial<PeerOptions> = {},
    change: (offerSdp: string) => string = (sdp) => sdp,
  ): Promise<this> {
    await this.client.connect(async (offerSdp) => {
      const { peer, answerSdp } = await WebRtcPeer.answer(
        change(offerSdp),
        { ...OPTIONS, ...options },
        this.peerEvents,
      );
      this.peer = peer;
      return answerSdp;
    });
    await until('the server is connected', () => this.isConnected);
    this.peer.start(ORIGIN_EPOCH_MS);
    return this;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.peer?.close();
  }
}

const open: Pair[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((pair) => pair.close()));
});

/** Real sockets give no moment to wait for but the effect itself. */
async function until(what: string, isSo: () => boolean, limitMs = 5000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > endMs) assert.fail(`it did not come about within ${limitMs} ms that ${what}`);
    await delay(5);
  }
}

/** Bytes shaped like an encoded picture, as far as packetisers and the counting viewer look. */
function picture(codec: VideoCodec, isKeyFrame: boolean, sizeBytes: number): Uint8Array {
  const body = new Uint8Array(sizeBytes).fill(0x5a);
  if (codec === 'VP8') {
    body[0] = isKeyFrame ? 0x10 : 0x11;
    return body;
  }
  const parameterSets = [0, 0, 0, 1, 0x67, 66, 0xe0, 31, 0, 0, 0, 1, 0x68, 0xce, 0x38];
  return Uint8Array.from([...(isKeyFrame ? parameterSets : []), 0, 0, 0, 1, isKeyFrame ? 0x65 : 0x41, ...body]);
}

function sendPictures(pair: Pair, codec: VideoCodec, first: number, count: number, firstTicks = first * 3600): void {
  for (let index = 0; index < count; index += 1) {
    const isKeyFrame = first + index === 0;
    const data = picture(codec, isKeyFrame, isKeyFrame ? 25_000 : 4000);
    pair.peer.sendVideo({ data, timestamp: firstTicks + index * 3600, isKeyFrame });
  }
}

/** The offer of a browser that does not tell its addresses. */
const hide = (offerSdp: string): string =>
  offerSdp.replace(/^(a=candidate:\S+ 1 udp \d+) \S+ /gm, '$1 1f2e3d4c-0000-4000-8000-000000000000.local ');

const opus = (value: number): Uint8Array => new Uint8Array(80).fill(value);

test('sound goes both ways and H.264 pictures arrive whole, with a data channel in the offer', async () => {
  const pair = await new Pair({ dataChannel: true }).connect();
  assert.equal(pair.peer.videoCodec, 'H264');
  assert.equal(pair.peer.wantsAudio, true);
  sendPictures(pair, 'H264', 0, 3);
  for (let index = 0; index < 5; index += 1) {
    pair.peer.sendAudio({ data: opus(index), timestamp: index * 960, isKeyFrame: true });
    pair.client.sendSound(opus(100 + index));
  }
  await until('3 pictures came', () => pair.frames.length === 3);
  await until('5 packets came each way', () => pair.sounds.length === 5 && pair.microphone.length === 5);
  assert.deepEqual(
    pair.frames.map(({ isKeyFrame, packets }) => [isKeyFrame, packets]),
    [
      [true, 23],
      [false, 4],
      [false, 4],
    ],
  );
  const since = (first: number, stamp: number): number => (stamp - first + WRAP) % WRAP;
  assert.deepEqual(
    pair.frames.map(({ rtpTimestamp }) => since(pair.frames[0]!.rtpTimestamp, rtpTimestamp)),
    [0, 3600, 7200],
  );
  assert.equal(pair.frames[0]!.rtpTimestamp, pair.peer.videoRtpOrigin);
  assert.deepEqual(
    pair.sounds.map(({ rtpTimestamp, payload }) => [since(pair.sounds[0]!.rtpTimestamp, rtpTimestamp), payload[0]]),
    [0, 1, 2, 3, 4].map((index) => [index * 960, index]),
  );
  assert.deepEqual(
    pair.microphone.map(({ payload, timestamp }) => [payload.length, payload[0], timestamp]),
    [0, 1, 2, 3, 4].map((index) => [80, 100 + index, index * 960]),
  );
  assert.deepEqual(pair.peer.stats().path, { local: 'host', remote: 'host', protocol: 'udp' });
});

test('a viewer that offers only VP8 gets VP8, and one that only watches gets no sound', async () => {
  const pair = await new Pair({ videoCodecs: ['VP8'], audio: 'none' }).connect();
  assert.equal(pair.peer.videoCodec, 'VP8');
  assert.equal(pair.peer.wantsAudio, false);
  pair.peer.sendAudio({ data: opus(1), timestamp: 0, isKeyFrame: true });
  sendPictures(pair, 'VP8', 0, 2);
  await until('2 pictures came', () => pair.frames.length === 2);
  assert.deepEqual(
    pair.frames.map(({ isKeyFrame }) => isKeyFrame),
    [true, false],
  );
  assert.equal(pair.sounds.length, 0);
});

test('a viewer that only speaks and watches is sent no sound', async () => {
  const pair = await new Pair({ audio: 'sendonly' }).connect();
  assert.equal(pair.peer.wantsAudio, false);
  pair.client.sendSound(opus(7));
  await until('its sound came', () => pair.microphone.length === 1);
});

test('sound is taken from a viewer that does not announce its SSRC', async () => {
  const pair = await new Pair().connect({}, (sdp) => sdp.replace(/^a=ssrc.*\r\n/gm, ''));
  pair.client.sendSound(opus(7));
  await until('its sound came', () => pair.microphone.length === 1);
});

test('both kinds of key frame request are reported although they bear the SSRC of the microphone', async () => {
  const pair = await new Pair().connect();
  pair.client.requestKeyFrame('pli');
  await until('the first request came', () => pair.keyFrameRequests === 1);
  pair.client.requestKeyFrame('fir');
  await until('the second request came', () => pair.keyFrameRequests === 2);
  assert.equal(pair.peer.stats().keyFrameRequests, 2);
});

test('the bandwidth that the viewer estimates is reported, a fall at once', async () => {
  const pair = await new Pair().connect();
  pair.client.reportBandwidth(1_000_000);
  await until('an estimate came', () => pair.bandwidths.length === 1);
  pair.client.reportBandwidth(600_000);
  await until('the fall came', () => pair.bandwidths.length === 2);
  assert.ok(Math.abs(pair.bandwidths[0]! - 1_000_000) < 10 && Math.abs(pair.bandwidths[1]! - 600_000) < 10);
  assert.equal(pair.peer.stats().estimatedBitrateBps, pair.bandwidths[1]);
});

test('sender reports map time stamps to the wall clock to a millisecond, across the wrap of 2^32 too', async () => {
  const pair = await new Pair().connect();
  sendPictures(pair, 'H264', 0, 1);
  pair.peer.sendAudio({ data: opus(0), timestamp: 0, isKeyFrame: true });
  await until('both came', () => pair.frames.length === 1 && pair.sounds.length === 1);
  const videoBase = pair.frames[0]!.rtpTimestamp;
  const audioBase = pair.sounds[0]!.rtpTimestamp;
  // Just past the wrap of each time stamp, and two wraps on.
  const videoTicks = WRAP * 2 + (WRAP - videoBase) + 1800;
  const audioTicks = WRAP * 2 + (WRAP - audioBase) + 480;
  sendPictures(pair, 'H264', 1, 1, videoTicks);
  pair.peer.sendAudio({ data: opus(0), timestamp: audioTicks, isKeyFrame: true });
  await until('both came', () => pair.frames.length === 2 && pair.sounds.length === 2);
  assert.equal(pair.frames[1]!.rtpTimestamp, 1800);
  assert.equal(pair.sounds[1]!.rtpTimestamp, 480);
  for (const [kind, rtpTimestamp, mediaMs] of [
    ['video', 1800, videoTicks / 90],
    ['audio', 480, audioTicks / 48],
  ] as const) {
    const isIt = (report: ReceivedReport): boolean => report.kind === kind && report.rtpTimestamp === rtpTimestamp;
    await until(`a report on ${kind} came`, () => pair.reports.some(isIt));
    const error = pair.reports.find(isIt)!.epochMs - (ORIGIN_EPOCH_MS + mediaMs);
    assert.ok(Math.abs(error) < 1, `${kind} is off by ${error} ms`);
  }
});

test('loss and round trip are measured with every report of the viewer, and its requests for key frames are counted', async () => {
  const metrics = new Metrics();
  const pair = await new Pair().connect({ metrics });
  pair.client.requestKeyFrame('pli');
  const loss = metrics.histogram('rtcp_lost_percent');
  const roundTrip = metrics.histogram('rtcp_round_trip_ms');
  for (let index = 0; roundTrip.total.count === 0; index += 1) {
    sendPictures(pair, 'H264', index, 1);
    await delay(40);
    assert.ok(index < 200, 'no round trip was measured');
  }
  assert.ok(loss.total.count >= roundTrip.total.count);
  assert.equal(loss.summary().max, 0);
  assert.ok(roundTrip.summary().max < 1000);
  assert.equal(metrics.counter('key_frames_requested').value, 1);
});

test('after an ICE restart that also mutes the microphone, pictures go on and sound is no longer taken', async () => {
  const pair = await new Pair().connect();
  sendPictures(pair, 'H264', 0, 2);
  await until('2 pictures came', () => pair.frames.length === 2);
  const before = pair.peer.stats().path;
  // With hidden addresses, as of a page without a microphone, nothing but the checks themselves leads to the viewer.
  await pair.client.restart((offerSdp) => pair.peer.renegotiate(hide(offerSdp)), 'recvonly');
  for (let index = 2; pair.frames.length < 5; index += 1) {
    sendPictures(pair, 'H264', index, 1);
    pair.peer.sendAudio({ data: opus(0), timestamp: index * 1920, isKeyFrame: true });
    // What is sent while the path is checked anew is lost; a viewer asks for it again or for a key frame.
    if (pair.keyFrameRequests > 0) sendPictures(pair, 'H264', 0, 1, index * 3600);
    await delay(10);
    assert.ok(index < 300, 'pictures did not go on');
  }
  await until('sound went on', () => pair.sounds.length > 0);
  assert.equal(pair.peer.stats().path?.protocol, before?.protocol);
  pair.client.sendSound(opus(1));
  await delay(50);
  assert.equal(pair.microphone.length, 0);
  assert.deepEqual(pair.ends, []);
});

test('offers that cannot be answered are refused before anything is opened', async () => {
  const refused = async (sdp: string, code: string): Promise<void> => {
    await assert.rejects(
      WebRtcPeer.answer(sdp, OPTIONS, new Pair().peerEvents),
      (error) => error instanceof AppError && error.code === code,
    );
  };
  await refused('v=0\r\nnonsense', 'no_media');
  await refused('garbage', 'bad_sdp');
  await new Pair().client
    .connect(async (sdp) => {
      const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
      const before = sockets();
      await refused(sdp.replace(/^a=ice-pwd.*\r\n/gm, ''), 'bad_sdp');
      await refused(sdp.replace(/H264|VP8/g, 'VP9'), 'bad_sdp');
      await refused(sdp.replace(/^m=video/m, 'm=dance'), 'bad_sdp');
      await refused(sdp.replace(/^a=fingerprint.*$/gm, 'a=fingerprint:'), 'bad_sdp');
      assert.equal(sockets(), before);
      throw new Error('that was all');
    })
    .catch((error: Error) => assert.equal(error.message, 'that was all', error.stack));
});

test('an offer that cannot be answered does not disturb a connection', async () => {
  const pair = await new Pair().connect();
  await assert.rejects(pair.peer.renegotiate('garbage'), { code: 'bad_sdp' });
  sendPictures(pair, 'H264', 0, 1);
  await until('a picture came', () => pair.frames.length === 1);
  let offerSdp = '';
  await pair.client.restart((sdp) => {
    offerSdp = sdp;
    return pair.peer.renegotiate(sdp);
  });
  const pending = assert.rejects(pair.peer.renegotiate(offerSdp), { code: 'no_session' });
  await pair.peer.close();
  await pending;
  await assert.rejects(pair.peer.renegotiate(offerSdp), { code: 'no_session' });
});

test('candidates that are no candidates are refused, useless ones passed over', async () => {
  const { peer } = await new Pair().connect();
  assert.throws(() => peer.addIceCandidate({ candidate: 'nonsense' }), { code: 'bad_message' });
  peer.addIceCandidate(null);
  peer.addIceCandidate({ candidate: '' });
  peer.addIceCandidate({ candidate: 'candidate:1 1 udp 1 a-b.local 5000 typ host', sdpMid: '0' });
  peer.addIceCandidate({ candidate: 'candidate:1 1 udp 1 127.0.0.1 5000 typ host', sdpMid: 'unknown' });
});

test('a viewer is reached although every address it offers is hidden behind a name', async () => {
  await new Pair().connect({}, hide);
});

test('a viewer that closes is reported once, and one that is closed is told', async () => {
  const leaving = await new Pair().connect();
  await leaving.client.close();
  await until('the end was reported', () => leaving.ends.length > 0);
  await leaving.peer.close();
  await leaving.peer.close();
  assert.deepEqual(leaving.ends, ['the viewer closed the connection']);
  leaving.peer.sendVideo({ data: picture('H264', true, 100), timestamp: 0, isKeyFrame: true });

  const left = await new Pair().connect();
  await left.peer.close();
  await until('the viewer knows', () => left.clientEnds.length > 0);
  assert.deepEqual(left.clientEnds, ['the server closed the connection']);
  assert.deepEqual(left.ends, []);
});

test('a viewer that vanishes, or never comes, is reported once its time is up', async () => {
  const pair = await new Pair().connect({ disconnectTimeoutMs: 1500 });
  const vanishedMs = performance.now();
  await pair.client.close({ isAbrupt: true });
  const absent = new Pair();
  absent.client
    .connect(async (sdp) => {
      absent.peer = (await WebRtcPeer.answer(sdp, { ...OPTIONS, disconnectTimeoutMs: 1000 }, absent.peerEvents)).peer;
      throw new Error('the answer got lost');
    })
    .catch(() => {});
  await until('both ends were reported', () => pair.ends.length > 0 && absent.ends.length > 0);
  assert.deepEqual(pair.ends, ['the viewer vanished']);
  assert.deepEqual(absent.ends, ['no connection came about']);
  assert.ok(performance.now() - vanishedMs >= 1000);
});

test('lost packets are sent again and the pictures become whole', async () => {
  let seen = 0;
  const repaired = new Set<number>();
  const pair = await new Pair({
    loses: ({ payloadType, sequenceNumber }) => {
      if (payloadType !== 97) repaired.add(sequenceNumber);
      seen += 1;
      return payloadType === 97 && seen % 5 === 0;
    },
    audio: 'none',
    videoCodecs: ['H264'],
  }).connect({}, (sdp) => {
    assert.match(sdp, /a=rtpmap:97 H264/);
    assert.match(sdp, /a=fmtp:98 apt=97/);
    return sdp;
  });
  for (let index = 0; index < 20; index += 1) {
    sendPictures(pair, 'H264', index, 1);
    await delay(10);
  }
  // A loss at the very end shows only when more comes.
  for (let index = 20; pair.frames.length < 20 && index < 60; index += 1) {
    sendPictures(pair, 'H264', index, 1);
    await delay(20);
  }
  assert.ok(pair.frames.length >= 20, `${pair.frames.length} pictures became whole`);
  assert.ok(repaired.size > 10, `${repaired.size} packets were repeated`);
  assert.equal(pair.gaps, 0);
});

test('a viewer that loses half of everything is sent no more again than the budget allows, and a key frame is asked for instead', async () => {
  const pair = await new Pair({ loses: ({ sequenceNumber }) => sequenceNumber % 2 === 0, recovers: false }).connect({
    retransmissionBudget: { share: 0.1, burstPackets: 10 },
  });
  for (let index = 0; index < 60; index += 1) {
    sendPictures(pair, 'H264', index, 1);
    await delay(5);
  }
  const { retransmitted, retransmissionsRefused } = pair.peer.stats();
  const packets = 23 + 59 * 4;
  assert.ok(retransmitted >= 10 && retransmitted <= 10 + packets * 0.1, `${retransmitted} packets were sent again`);
  assert.ok(retransmissionsRefused > 50, `${retransmissionsRefused} were refused`);
  assert.equal(pair.keyFrameRequests, 1);
});

test('viewers that come at once share a small range of ports, and one too many is refused', async () => {
  const offers: string[] = [];
  const viewer = new Pair();
  await viewer.client
    .connect(async (sdp) => {
      offers.push(sdp);
      throw new Error('enough');
    })
    .catch(() => {});
  const range = { ...OPTIONS, hostAddresses: [], portRange: [47_310, 47_312] as const };
  const answers = await Promise.all([0, 1, 2].map(() => WebRtcPeer.answer(offers[0]!, range, viewer.peerEvents)));
  const ports = answers.map(({ answerSdp }) => Number(/^a=candidate:\S+ 1 udp \d+ \S+ (\d+) /m.exec(answerSdp)![1]));
  assert.deepEqual(ports.toSorted(), [47_310, 47_311, 47_312]);
  await assert.rejects(WebRtcPeer.answer(offers[0]!, range, viewer.peerEvents), { code: 'port_unavailable' });
  await Promise.all(answers.map(({ peer }) => peer.close()));
});

test('fifty viewers that come and go leave no socket and no timer behind', async () => {
  let offer = '';
  await new Pair().client
    .connect(async (sdp) => {
      offer = sdp;
      throw new Error('enough');
    })
    .catch(() => {});
  await Promise.all(open.splice(0).map((pair) => pair.close()));
  const held = (): number =>
    process.getActiveResourcesInfo().filter((name) => /UDP|TCP|Timeout|Immediate/.test(name)).length;
  await delay(50);
  const before = held();
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => WebRtcPeer.answer(offer, OPTIONS, new Pair().peerEvents)),
    );
    await Promise.all(answers.map(({ peer }) => peer.close()));
  }
  const connected = await Promise.all(Array.from({ length: 3 }, () => new Pair().connect()));
  await Promise.all(connected.map((pair) => pair.close()));
  // The library's last timers of a handshake run out by themselves.
  await until('everything is released', () => held() <= before);
});
