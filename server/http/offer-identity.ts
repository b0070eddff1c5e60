/**
 * Whether `next` comes from the same RTCPeerConnection as `previous`, as a renegotiation or an ICE restart does. A page that
 * stops and starts again sends the offer of a new connection over the same socket, and that one needs a new peer.
 *
 * The DTLS certificate belongs to one connection (RFC 8842 §4), unless a page reuses it on purpose; then the session id of
 * the `o=` line (RFC 9429 §5.2.2) or the ICE credentials tell. Some clients make a new session id for every offer.
 */
export function isSameConnection(previous: string, next: string): boolean {
  const sameLine = (pattern: RegExp) => {
    const line = pattern.exec(previous)?.[1];
    return line !== undefined && line === pattern.exec(next)?.[1];
  };
  const sameCertificate = sameLine(/^a=fingerprint:(.+?)\s*$/m);
  return sameCertificate && (sameLine(/^o=(\S+ \S+) /m) || sameLine(/^a=ice-ufrag:(\S+)/m));
}
