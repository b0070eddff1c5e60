import { CipherContext, type RTCDtlsTransport } from 'werift';

const ALERT = 21;
const WARNING_CLOSE_NOTIFY = Buffer.from([1, 0]);

/**
 * Says that the connection ends (close_notify, RFC 5246 §7.2.1), so that the other side need not wait for a timeout. The
 * library can only send application data, so the type of this one record is changed on its way to the cipher.
 */
export async function sayGoodbye(transport: RTCDtlsTransport): Promise<void> {
  const socket = transport.dtls;
  if (!socket || transport.state !== 'connected') return;
  const cipher = socket.cipher;
  cipher.encryptPacket = (record) => {
    record.recordLayerHeader.contentType = ALERT;
    return CipherContext.prototype.encryptPacket.call(cipher, record);
  };
  try {
    await socket.send(WARNING_CLOSE_NOTIFY);
    // A datagram leaves one turn later; closing the socket at once would take it back.
    await new Promise((resolve) => setImmediate(resolve));
  } catch {
    // The path is gone already; there is nobody to tell.
  } finally {
    Reflect.deleteProperty(cipher, 'encryptPacket');
  }
}
