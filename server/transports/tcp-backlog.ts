import { type RTCIceTransport, TcpPassiveProtocol } from 'werift';

/** Bytes that may wait in a viewer's TCP socket: about a second of picture and sound. What comes beyond is dropped, as UDP would. */
export const MAX_BACKLOG_BYTES = 256 * 1024;
/** TCP connections that may be open to one viewer's port: it needs one, and browsers try from a few addresses. */
const MAX_CONNECTIONS = 16;

const bounded = new WeakSet<TcpPassiveProtocol>();

/**
 * Bounds what waits for a viewer that is reached by TCP and reads too slowly; the library would keep everything. Call it after
 * gathering, when the ports are there. Lost packets are repeated or followed by a key frame, as on any path.
 */
export function boundTcpBacklog(transport: RTCIceTransport): void {
  const protocols: unknown = Reflect.get(transport.connection, 'protocols');
  if (!Array.isArray(protocols)) return;
  for (const protocol of protocols) {
    if (!(protocol instanceof TcpPassiveProtocol) || bounded.has(protocol)) continue;
    bounded.add(protocol);
    const { server } = protocol as unknown as { server: { maxConnections: number } };
    server.maxConnections = MAX_CONNECTIONS;
    const sendData = protocol.sendData.bind(protocol);
    protocol.sendData = async (data, addr) => {
      if (backlogBytes(protocol, addr) <= MAX_BACKLOG_BYTES) await sendData(data, addr);
    };
  }
}

function backlogBytes(protocol: TcpPassiveProtocol, addr: unknown): number {
  const { getOpenSocket } = protocol as unknown as {
    getOpenSocket(addr: unknown): { socket: { writableLength: number } } | undefined;
  };
  return getOpenSocket.call(protocol, addr)?.socket.writableLength ?? 0;
}
