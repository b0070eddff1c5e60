import { isIP } from 'node:net';

/** One ICE candidate as text (RFC 8839 §5.1), checked. */
export interface CandidateText {
  /** `candidate:…` without `a=` and without the `generation` that browsers add. */
  readonly text: string;
  readonly address: string;
}

/** Candidate as it travels between browser and server (`RTCIceCandidateInit`). */
export interface TrickledCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/**
 * Reads a candidate of a viewer.
 *
 * @returns null if it can never be used: not a candidate, of a second component, or at a host that is neither an address nor an
 *   mDNS name (looking up any other name would let a viewer make this process ask about it).
 */
export function readCandidate(line: string): CandidateText | null {
  const text = line.replace(/^a=/, '');
  const [, component, address, port] =
    /^candidate:\S{1,64} (\d) (?:udp|tcp) \d{1,10} (\S{1,255}) (\d{1,5}) typ (?:host|srflx|prflx|relay)(?: |$)/i.exec(
      text,
    ) ?? [];
  if (component !== '1' || !address || Number(port) < 1 || Number(port) > 65_535) return null;
  if (isIP(address) === 0 && !/^[A-Za-z0-9-]{1,63}\.local$/.test(address)) return null;
  // The generation counts the browser's ICE restarts. Clients that do not count would look stale after the first one.
  return { text: text.replace(/ generation \d+/, ''), address };
}

/** Whether the address is a name that must be asked for by multicast (RFC 6762), which may take seconds. */
export function isMdnsCandidate(candidate: CandidateText): boolean {
  return candidate.address.endsWith('.local');
}
