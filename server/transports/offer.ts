import type { VideoCodec } from '../codecs/packet.ts';
import { AppError } from '../errors.ts';
import { readCandidate } from './ice-candidate.ts';

/** Codecs that a viewer may take pictures in, ours to prefer in this order: H.264 follows the path's bit rate without a key frame. */
const VIDEO_CODECS: readonly VideoCodec[] = ['H264', 'VP8'];
/** More sections than any client sends; a bound on the work that one message can cause. */
const MAX_SECTIONS = 16;

/** What a viewer asked for, and the text that is left to negotiate. */
export interface Offer {
  /** Codec for the picture, null if the viewer does not want one. */
  readonly videoCodec: VideoCodec | null;
  /** Index of the section that pictures go out on; null if there is none. */
  readonly videoSection: number | null;
  /** Index of the section that sound goes out and comes in on; null if there is none. */
  readonly audioSection: number | null;
  /** The viewer listens. */
  readonly wantsAudio: boolean;
  /** The viewer has a microphone to send. */
  readonly sendsAudio: boolean;
  /**
   * The offer, narrowed: one codec per section (and its retransmissions), only candidates that can be used, no end of them,
   * sections beyond the first of a kind inactive.
   */
  readonly sdp: string;
}

/** One `m=` section as lines without line ends. */
interface Section {
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  readonly payloads: readonly string[];
  readonly attributes: readonly string[];
}

/**
 * Reads and narrows an SDP offer (RFC 8866, RFC 8829). Opens nothing.
 *
 * @param current Codec already in use on this connection; it cannot change.
 * @throws {AppError} `bad_sdp` if the text is not an offer that can be answered; `no_media` if it asks for no sound and no picture.
 */
export function readOffer(sdp: string, current: VideoCodec | null = null): Offer {
  const lines = sdp.split(/\r?\n/).filter((line) => line !== '');
  if (lines[0] !== 'v=0') throw new AppError('bad_sdp', 'The SDP offer must begin with the line v=0.');
  const firstSection = lines.findIndex((line) => line.startsWith('m='));
  if (firstSection < 0) throw new AppError('no_media', 'The SDP offer has no m= section; offer audio, video or both.');
  const session = lines.slice(0, firstSection);
  const sections = splitSections(lines.slice(firstSection));

  const audioSection = sections.findIndex((section) => section.kind === 'audio' && isOpen(section));
  const videoSection = sections.findIndex((section) => section.kind === 'video' && isOpen(section));
  const audio = sections[audioSection];
  const video = sections[videoSection];
  if (!audio && !video) {
    throw new AppError('no_media', 'The SDP offer asks for neither sound nor picture; offer audio, video or both.');
  }
  for (const section of sections)
    if (section.port > 0 && isOpen(section)) checkTransport(session, section, sections[0]!);

  const receivesVideo = video !== undefined && /recv/.test(directionOf(session, video));
  const videoCodec = receivesVideo ? chooseVideoCodec(video, current) : null;
  const audioDirection = audio ? directionOf(session, audio) : 'inactive';
  const hasAudio = audioDirection !== 'inactive';
  const narrowed = sections.map((section, index) => {
    let keep: string[] | null = null;
    if (hasAudio && index === audioSection) keep = opusPayloads(section);
    if (videoCodec && index === videoSection) keep = videoPayloads(section, videoCodec);
    const isExtra = (section.kind === 'audio' || section.kind === 'video') && keep === null;
    const attributes = section.attributes.flatMap((line) => {
      if (line.startsWith('a=candidate:')) {
        const candidate = readCandidate(line);
        return candidate ? [`a=${candidate}`] : [];
      }
      // Without an end of candidates, a viewer whose candidates all fail may still be reached by the way it tries itself.
      if (line === 'a=end-of-candidates' || !isKept(line, keep)) return [];
      return isExtra && DIRECTION.test(line) ? ['a=inactive'] : [line];
    });
    const port = section.port === 0 && isOpen(section) ? 9 : section.port;
    return [`m=${section.kind} ${port} ${section.protocol} ${(keep ?? section.payloads).join(' ')}`, ...attributes];
  });
  return {
    videoCodec,
    videoSection: videoCodec ? videoSection : null,
    audioSection: hasAudio ? audioSection : null,
    wantsAudio: /recv/.test(audioDirection),
    sendsAudio: /send/.test(audioDirection),
    sdp: `${[...session, ...narrowed.flat()].join('\r\n')}\r\n`,
  };
}

const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)$/;

function splitSections(lines: readonly string[]): Section[] {
  const sections: (Section & { attributes: string[] })[] = [];
  for (const line of lines) {
    if (!line.startsWith('m=')) {
      sections.at(-1)!.attributes.push(line);
      continue;
    }
    const [, kind, port, protocol, payloads] =
      /^m=(audio|video|application) (\d{1,5}) ([A-Z/]+) (\S.*)$/.exec(line) ?? [];
    if (!kind || !protocol || !payloads) {
      throw new AppError('bad_sdp', `The SDP offer has a section that cannot be answered: "${line.slice(0, 80)}".`);
    }
    sections.push({ kind, port: Number(port), protocol, payloads: payloads.trim().split(/ +/), attributes: [] });
  }
  if (sections.length > MAX_SECTIONS) {
    throw new AppError('bad_sdp', `The SDP offer has ${sections.length} sections; at most ${MAX_SECTIONS} are taken.`);
  }
  return sections;
}

/** Port 0 refuses a section, unless it only waits for the bundle's port (RFC 8843 §6). */
function isOpen(section: Section): boolean {
  return section.port !== 0 || section.attributes.includes('a=bundle-only');
}

function directionOf(session: readonly string[], section: Section): string {
  const line = section.attributes.find((each) => DIRECTION.test(each)) ?? session.find((each) => DIRECTION.test(each));
  return line?.slice(2) ?? 'sendrecv';
}

/** ICE and DTLS parameters may stand in the section, in the session, or in the first section of a bundle. */
function checkTransport(session: readonly string[], section: Section, first: Section): void {
  for (const name of ['ice-ufrag', 'ice-pwd', 'fingerprint', 'setup']) {
    const has = (lines: readonly string[]): boolean => lines.some((line) => line.startsWith(`a=${name}:`));
    if (!has(section.attributes) && !has(session) && !has(first.attributes)) {
      throw new AppError('bad_sdp', `The SDP offer's ${section.kind} section lacks a=${name}.`);
    }
  }
}

/** Payload type → codec name in capitals. */
function codecNames(section: Section): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of section.attributes) {
    const [, payload, name] = /^a=rtpmap:(\d+) ([^/]+)\//.exec(line) ?? [];
    if (payload && name && section.payloads.includes(payload)) names.set(payload, name.toUpperCase());
  }
  return names;
}

function formatOf(section: Section, payload: string): string {
  return section.attributes.find((line) => line.startsWith(`a=fmtp:${payload} `)) ?? '';
}

function opusPayloads(section: Section): string[] {
  const names = codecNames(section);
  const payload = section.payloads.find((each) => names.get(each) === 'OPUS');
  if (!payload)
    throw new AppError('bad_sdp', "The SDP offer's audio section has no Opus; it is the only sound codec here.");
  return [payload];
}

function chooseVideoCodec(section: Section, current: VideoCodec | null): VideoCodec {
  const codec = (current ? [current] : VIDEO_CODECS).find((each) => primaryPayload(section, each) !== undefined);
  if (codec) return codec;
  const offered = [...new Set(codecNames(section).values())].join(', ') || 'nothing';
  const wanted = current ? `${current}, which this connection uses` : 'H264 (packetization-mode=1) or VP8';
  throw new AppError('bad_sdp', `The SDP offer's video section must have ${wanted}; it has ${offered}.`);
}

/**
 * The payload type to send a codec on. For H.264 only packetization mode 1 will do, because key frames do not fit into one
 * packet; any profile decodes the constrained baseline that is sent, so a baseline one is merely preferred.
 */
function primaryPayload(section: Section, codec: VideoCodec): string | undefined {
  const names = codecNames(section);
  const payloads = section.payloads.filter((each) => names.get(each) === codec);
  if (codec === 'VP8') return payloads[0];
  const fragmenting = payloads.filter((each) => /packetization-mode=1\b/.test(formatOf(section, each)));
  return fragmenting.find((each) => /profile-level-id=42/i.test(formatOf(section, each))) ?? fragmenting[0];
}

function videoPayloads(section: Section, codec: VideoCodec): string[] {
  const primary = primaryPayload(section, codec)!;
  const names = codecNames(section);
  const repair = section.payloads.find(
    (each) => names.get(each) === 'RTX' && new RegExp(`apt=${primary}\\b`).test(formatOf(section, each)),
  );
  return repair ? [primary, repair] : [primary];
}

/** Whether a line still says something once only `payloads` are left (null: all are). */
function isKept(line: string, payloads: readonly string[] | null): boolean {
  const [, payload] = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line) ?? [];
  return !payload || !payloads || payloads.includes(payload);
}
