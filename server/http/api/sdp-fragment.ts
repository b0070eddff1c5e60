import { AppError } from '../../errors.ts';
import type { IceCandidate } from '../viewer.ts';

/** Media type of {@link readFragment}'s text (RFC 8840 §9). */
export const FRAGMENT_TYPE = 'application/trickle-ice-sdpfrag';

/** ICE parameters and candidates, without the rest of an SDP. */
export interface SdpFragment {
  readonly ufrag: string;
  readonly password: string;
  readonly candidates: readonly IceCandidate[];
}

/** ICE user names and passwords (RFC 8839 §5.4). */
const ICE_TEXT = /^[A-Za-z0-9+/]{4,256}$/;

/**
 * Reads a fragment as WHIP clients send it (RFC 8840 §9, RFC 9725 §4.3.1). The end of candidates is passed over, as everywhere.
 *
 * @throws {AppError} `bad_sdp` if it has no ICE parameters.
 */
export function readFragment(text: string): SdpFragment {
  let ufrag = '';
  let password = '';
  let sdpMid: string | null = null;
  let sdpMLineIndex = -1;
  const candidates: IceCandidate[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, name, value = ''] = /^a=([a-z-]+):(.*)$/.exec(line) ?? [];
    if (line.startsWith('m=')) {
      sdpMLineIndex += 1;
      sdpMid = null;
    } else if (name === 'mid') sdpMid = value;
    else if (name === 'ice-ufrag' && ufrag === '') ufrag = value;
    else if (name === 'ice-pwd' && password === '') password = value;
    else if (name === 'candidate') {
      candidates.push({ candidate: `candidate:${value}`, sdpMid, sdpMLineIndex: Math.max(0, sdpMLineIndex) });
    }
  }
  if (!ICE_TEXT.test(ufrag) || !ICE_TEXT.test(password)) {
    throw new AppError('bad_sdp', 'The fragment must begin with a=ice-ufrag and a=ice-pwd (RFC 8840 §9).');
  }
  return { ufrag, password, candidates };
}

/** The ICE user name of the first section of an SDP; empty if there is none. */
export function ufragOf(sdp: string): string {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '';
}

/** The same offer for an ICE restart: with other ICE parameters, and without the candidates that belonged to the old ones. */
export function restarted(offerSdp: string, { ufrag, password }: SdpFragment): string {
  return offerSdp
    .replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, '')
    .replace(/^a=ice-ufrag:.*$/gm, (line) => `a=ice-ufrag:${ufrag}${line.endsWith('\r') ? '\r' : ''}`)
    .replace(/^a=ice-pwd:.*$/gm, (line) => `a=ice-pwd:${password}${line.endsWith('\r') ? '\r' : ''}`);
}

/** What an answer says about ICE, as a fragment: the first section, which carries everything. */
export function fragmentOf(answerSdp: string): string {
  const lines = answerSdp.split(/\r?\n/);
  const first = lines.findIndex((line) => line.startsWith('m='));
  const next = lines.findIndex((line, index) => index > first && line.startsWith('m='));
  const section = lines.slice(first, next < 0 ? undefined : next);
  const starting = (name: string, among = section) => among.filter((line) => line.startsWith(`a=${name}`));
  const parameters = ['ice-ufrag:', 'ice-pwd:'].flatMap((name) => starting(name, [...section, ...lines]).slice(0, 1));
  const group = starting('group:', lines).slice(0, 1);
  const kind = /^m=(audio|video|application)/.exec(section[0] ?? '')?.[1] ?? 'audio';
  return [
    ...group,
    ...parameters,
    `m=${kind} 9 UDP/TLS/RTP/SAVPF 0`,
    ...starting('mid:'),
    ...starting('candidate:'),
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}
