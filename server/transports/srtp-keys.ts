import { createSecretKey, type KeyObject } from 'node:crypto';
import { RTCDtlsTransport } from 'werift';

/** What the library ciphers and signs with, by the names that its ciphers give it. */
const KEYS = ['srtpSessionKey', 'srtcpSessionKey', 'srtpSessionAuthTag', 'srtcpSessionAuthTag'] as const;

type Cipher = { [key in (typeof KEYS)[number]]?: Buffer | KeyObject };

const { updateSrtpSession } = RTCDtlsTransport.prototype;

/**
 * Gives the library's SRTP its keys as objects. A key as bytes is looked at anew for every packet, which costs Node three
 * times as much as ciphering the packet. Calling it again changes nothing.
 */
export function makeSrtpKeysOnce(): void {
  RTCDtlsTransport.prototype.updateSrtpSession = function () {
    updateSrtpSession.call(this);
    for (const { localContext, remoteContext } of [this.srtp, this.srtcp]) {
      for (const { cipher } of [localContext, remoteContext]) makeKeys(cipher as unknown as Cipher);
    }
  };
}

function makeKeys(cipher: Cipher): void {
  for (const name of KEYS) {
    const key = cipher[name];
    if (key instanceof Uint8Array) cipher[name] = createSecretKey(key);
  }
}
