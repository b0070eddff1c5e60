/**
 * STUN and TURN servers as values of the Link header, which WHIP and WHEP clients take them from (RFC 9725 §4.6).
 *
 * @param servers In the form of RTCConfiguration.iceServers.
 */
export function iceServerLinks(
  servers: readonly { urls: string | readonly string[]; username?: string; credential?: string }[],
): string[] {
  return servers.flatMap(({ urls, username, credential }) =>
    [urls].flat().map((url) => {
      const login =
        username === undefined || credential === undefined
          ? ''
          : `; username=${quoted(username)}; credential=${quoted(credential)}; credential-type="password"`;
      return `<${url}>; rel="ice-server"${login}`;
    }),
  );
}

/** A quoted string (RFC 9110 §5.6.4); what a header cannot hold is left out. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
