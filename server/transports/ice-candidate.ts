import { isIP } from 'node:net';
import { AppError } from '../errors.ts';

/** Candidate as it travels between browser and server (`RTCIceCandidateInit`). */
export interface TrickledCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/**
 * Reads a candidate of a viewer (RFC 8839 §5.1).
 *
 * Names are passed over. Browsers give an mDNS name in place of an address to pages without a microphone; looking one up takes
 * up to seconds and a multicast socket, and any other name would make this process ask about it. Nothing is lost: the viewer
 * tries the addresses of this side, and its own is learned from that.
 *
 * @returns `candidate:…` without `a=` and without the `generation` that browsers add; null if it can never be used.
 */
export function readCandidate(line: string): string | null {
  const text = line.replace(/^a=/, '');
  const [, component, address, port] = CANDIDATE.exec(text) ?? [];
  if (component !== '1' || !address || isIP(address) === 0 || Number(port) < 1 || Number(port) > 65_535) return null;
  // The generation counts the browser's ICE restarts. Clients that do not count would look stale after the first one.
  return text.replace(/ generation \d+/, '');
}

const CANDIDATE =
  /^candidate:\S{1,64} (\d) (?:udp|tcp) \d{1,10} (\S{1,64}) (\d{1,5}) typ (?:host|srflx|prflx|relay)(?: |$)/i;

/**
 * Reads a candidate as a viewer sends it.
 *
 * @returns null for the end of candidates and for candidates that can never be used.
 * @throws {AppError} `bad_message` if it is not a candidate at all.
 */
export function readTrickled(
  trickled: TrickledCandidate | null,
): { candidate: string; sdpMid?: string; sdpMLineIndex?: number } | null {
  if (trickled === null || trickled.candidate === '') return null;
  if (typeof trickled.candidate !== 'string' || !/^(a=)?candidate:/.test(trickled.candidate)) {
    throw new AppError('bad_message', 'An ICE candidate must be an object whose candidate begins with "candidate:".');
  }
  const candidate = readCandidate(trickled.candidate);
  if (!candidate) return null;
  const { sdpMid, sdpMLineIndex } = trickled;
  if (typeof sdpMid === 'string') return { candidate, sdpMid };
  return { candidate, sdpMLineIndex: typeof sdpMLineIndex === 'number' ? sdpMLineIndex : 0 };
}
