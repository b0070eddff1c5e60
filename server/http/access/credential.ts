/** Longest credential that is looked at; keys have some 50 characters, tokens some 300. */
export const MAX_CREDENTIAL_LENGTH = 2048;

/**
 * The credential of a request: `Authorization: Bearer …` (RFC 6750 §2.1). Browsers cannot set headers on WebSockets, so those
 * may carry it as the query parameter `access_token` (RFC 6750 §2.3); it is read there and never logged.
 *
 * @returns undefined if there is none.
 */
export function credentialOf(
  request: { readonly headers: { readonly authorization?: string }; readonly url: string },
  isWebSocket: boolean,
): string | undefined {
  const bearer = /^Bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const credential = bearer ?? (isWebSocket ? queryToken(request.url) : undefined);
  return credential && credential.length <= MAX_CREDENTIAL_LENGTH ? credential : undefined;
}

function queryToken(url: string): string | undefined {
  const query = url.split('?', 2)[1];
  return (query && new URLSearchParams(query).get('access_token')) || undefined;
}
