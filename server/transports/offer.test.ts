import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../errors.ts';
import { readCandidate } from './ice-candidate.ts';
import { readOffer } from './offer.ts';

const TRANSPORT = [
  'a=ice-ufrag:abcd',
  'a=ice-pwd:0123456789012345678901',
  'a=fingerprint:sha-256 AA:BB',
  'a=setup:actpass',
];
const AUDIO = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 0',
  ...TRANSPORT,
  'a=mid:0',
  'a=sendrecv',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:0 PCMU/8000',
];
/** As a browser offers: VP8 first, H.264 in both packetisation modes, the baseline not first. */
const VIDEO = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 102 103 104 105',
  ...TRANSPORT,
  'a=mid:1',
  'a=recvonly',
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 goog-remb',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:98 H264/90000',
  'a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f',
  'a=rtpmap:99 H264/90000',
  'a=fmtp:99 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f',
  'a=rtpmap:102 H264/90000',
  'a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  'a=rtpmap:103 rtx/90000',
  'a=fmtp:103 apt=102',
  'a=rtpmap:104 VP9/90000',
  'a=rtpmap:105 rtx/90000',
  'a=fmtp:105 apt=104',
];
const offer = (...sections: string[][]): string =>
  ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1', ...sections.flat(), ''].join('\r\n');
const without = (lines: string[], pattern: RegExp): string[] => lines.filter((line) => !pattern.test(line));
const replaced = (lines: string[], from: string, to: string): string[] =>
  lines.map((line) => (line === from ? to : line));
const failsAs = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof AppError && error.code === code && pattern.test(error.message);

test('of a browser offer, Opus and baseline H.264 in fragmenting mode with its repair stay', () => {
  const read = readOffer(offer(AUDIO, VIDEO));
  assert.equal(read.videoCodec, 'H264');
  assert.equal(read.wantsAudio, true);
  assert.equal(read.sendsAudio, true);
  assert.match(read.sdp, /^m=audio 9 UDP\/TLS\/RTP\/SAVPF 111\r$/m);
  assert.match(read.sdp, /^m=video 9 UDP\/TLS\/RTP\/SAVPF 102 103\r$/m);
  assert.deepEqual(read.sdp.match(/^a=rtpmap:\d+/gm), ['a=rtpmap:111', 'a=rtpmap:102', 'a=rtpmap:103']);
});

test('a viewer without H.264 gets VP8', () => {
  const read = readOffer(offer(AUDIO, without(VIDEO, /H264/)));
  assert.equal(read.videoCodec, 'VP8');
  assert.match(read.sdp, /^m=video 9 UDP\/TLS\/RTP\/SAVPF 96 97\r$/m);
});

test('H.264 that cannot be fragmented does not count', () => {
  assert.equal(readOffer(offer(without(VIDEO, /^a=fmtp:(99|102)/))).videoCodec, 'VP8');
});

test('the codec in use stays in use', () => {
  assert.equal(readOffer(offer(AUDIO, VIDEO), 'VP8').videoCodec, 'VP8');
  assert.throws(
    () => readOffer(offer(without(VIDEO, /VP8/)), 'VP8'),
    failsAs('bad_sdp', /VP8, which this connection uses/),
  );
});

test('directions are read per section, with sendrecv where none is given', () => {
  const sendonly = readOffer(offer(replaced(AUDIO, 'a=sendrecv', 'a=sendonly'), VIDEO));
  assert.deepEqual([sendonly.wantsAudio, sendonly.sendsAudio], [false, true]);
  const silent = readOffer(offer(replaced(AUDIO, 'a=sendrecv', 'a=inactive'), VIDEO));
  assert.deepEqual([silent.wantsAudio, silent.sendsAudio, silent.audioSection], [false, false, null]);
  assert.equal(readOffer(offer(without(AUDIO, /sendrecv/), VIDEO)).wantsAudio, true);
  assert.equal(readOffer(offer(AUDIO, replaced(VIDEO, 'a=recvonly', 'a=sendonly'))).videoCodec, null);
});

test('sections beyond the first of a kind are made inactive', () => {
  const read = readOffer(offer(AUDIO, VIDEO, replaced(VIDEO, 'a=mid:1', 'a=mid:2')));
  assert.deepEqual(read.sdp.match(/^a=(sendrecv|recvonly|inactive)/gm), ['a=sendrecv', 'a=recvonly', 'a=inactive']);
});

test('a bundled section with port 0 is open, a plain one is not', () => {
  const closed = replaced(VIDEO, VIDEO[0]!, VIDEO[0]!.replace('video 9', 'video 0'));
  assert.equal(readOffer(offer(AUDIO, closed)).videoCodec, null);
  assert.equal(readOffer(offer(AUDIO, [...closed, 'a=bundle-only'])).videoCodec, 'H264');
});

test('candidates that cannot be used are dropped, and the end of candidates with them', () => {
  const read = readOffer(
    offer([
      ...AUDIO,
      'a=candidate:1 1 udp 2113937151 b0a1c2d3-0000-4000-8000-000000000000.local 50000 typ host generation 0 ufrag abcd',
      'a=candidate:2 1 udp 2113937151 192.0.2.7 50001 typ host generation 0',
      'a=candidate:3 2 udp 2113937150 192.0.2.7 50002 typ host',
      'a=end-of-candidates',
    ]),
  );
  assert.deepEqual(read.sdp.match(/^a=(candidate|end).*[^\r\n]/gm), [
    'a=candidate:2 1 udp 2113937151 192.0.2.7 50001 typ host',
  ]);
});

test('text that is no offer is refused with what is missing', () => {
  assert.throws(() => readOffer('hello'), failsAs('bad_sdp', /v=0/));
  assert.throws(() => readOffer(''), failsAs('bad_sdp', /v=0/));
  assert.throws(
    () => readOffer(offer(['m=audio nine UDP/TLS/RTP/SAVPF 111'])),
    failsAs('bad_sdp', /cannot be answered/),
  );
  assert.throws(() => readOffer(offer(['m=text 9 RTP/AVP 1'])), failsAs('bad_sdp', /m=text/));
  assert.throws(() => readOffer(offer(without(AUDIO, /ice-pwd/))), failsAs('bad_sdp', /audio section lacks a=ice-pwd/));
  assert.throws(() => readOffer(offer(without(AUDIO, /opus/))), failsAs('bad_sdp', /no Opus/));
  assert.throws(
    () => readOffer(offer(without(VIDEO, /H264|VP8/))),
    failsAs('bad_sdp', /H264.*or VP8; it has RTX, VP9/),
  );
  assert.throws(() => readOffer(offer(...Array.from({ length: 17 }, () => AUDIO))), failsAs('bad_sdp', /17 sections/));
});

test('an offer without sound and picture is refused', () => {
  const data = ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', ...TRANSPORT, 'a=mid:0', 'a=sctp-port:5000'];
  assert.throws(() => readOffer(offer(data)), failsAs('no_media', /neither sound nor picture/));
  assert.throws(() => readOffer(offer()), failsAs('no_media', /no m= section/));
});

test('a candidate is usable only with an address, a port and the first component', () => {
  const at = (host: string, port = 5000, component = 1): string =>
    `candidate:1 ${component} udp 1 ${host} ${port} typ host`;
  for (const line of [at('192.0.2.1'), at('2001:db8::1')]) assert.equal(readCandidate(line), line);
  assert.equal(readCandidate(`a=${at('192.0.2.1')} generation 3 ufrag x`), `${at('192.0.2.1')} ufrag x`);
  const useless = [
    at('localhost'),
    at('abc.local'),
    at('192.0.2.1', 0),
    at('192.0.2.1', 70_000),
    at('192.0.2.1', 1, 2),
    'x',
  ];
  for (const line of useless) assert.equal(readCandidate(line), null, line);
});
