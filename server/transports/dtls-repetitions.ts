import { CipherContext, type RTCDtlsTransport } from 'werift';

const HANDSHAKE = 22;

type DtlsRecord = Parameters<CipherContext['encryptPacket']>[0];

/**
 * Gives the last message of this side's handshake a new record number each time it is sent again (RFC 6347 §4.2.4). The library
 * repeats it to the bit, which a browser takes for a replay and passes over: if its own last message got lost, it never sends
 * it again, and the connection does not come about.
 *
 * Call it when `transport` has begun to connect.
 */
export function renumberRepetitions(transport: RTCDtlsTransport): void {
  const socket = transport.dtls;
  if (!socket) return;
  const { cipher, dtls: context, transport: path } = socket;
  let last: { readonly record: DtlsRecord; readonly plain: Buffer; readonly firstNumber: number } | null = null;
  let isSent = false;

  cipher.encryptPacket = (record) => {
    const { contentType, sequenceNumber } = record.recordLayerHeader;
    if (contentType === HANDSHAKE) last = { record, plain: record.fragment, firstNumber: sequenceNumber };
    return CipherContext.prototype.encryptPacket.call(cipher, record);
  };
  const { send } = path;
  const sendRenumbered: typeof send = (bytes, address) => {
    if (!last || !isEncryptedHandshake(bytes)) return send(bytes, address);
    if (!isSent) {
      isSent = true;
      return send(bytes, address);
    }
    const { record, plain, firstNumber } = last;
    context.recordSequenceNumber += 1;
    if (context.recordSequenceNumber === firstNumber) context.recordSequenceNumber += 1;
    record.fragment = plain;
    record.recordLayerHeader.sequenceNumber = context.recordSequenceNumber;
    return send(CipherContext.prototype.encryptPacket.call(cipher, record).serialize(), address);
  };
  Object.defineProperty(path, 'send', { value: sendRenumbered, configurable: true });
}

/** Epoch 0 is plain (RFC 6347 §4.1). */
function isEncryptedHandshake(bytes: Buffer): boolean {
  return bytes.length > 13 && bytes[0] === HANDSHAKE && bytes.readUInt16BE(3) > 0;
}
