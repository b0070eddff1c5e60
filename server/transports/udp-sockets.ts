import type { Socket } from 'node:dgram';
import { UdpTransport } from 'werift';

interface Unbound {
  readonly socket: Socket;
  readonly options: { readonly port?: number; readonly portRange?: readonly [number, number] };
}

/**
 * Replaces how the library opens its UDP sockets. Its own way probes the range port by port from the bottom, and between the
 * probe and the use another process may take the port: the socket's error has no listener then, and ends this process.
 * Calling it again changes nothing.
 */
export function openSocketsSafely(): void {
  Object.defineProperty(UdpTransport.prototype, 'init', { value: open, configurable: true });
}

/** Binds to a port of the range, from a random one on, trying all of them. @throws what the last attempt met. */
async function open(this: Unbound): Promise<void> {
  // Sending to an unreachable address is a lost packet, not a failure of the process.
  this.socket.on('error', () => {});
  const [min, max] = this.options.portRange ?? [this.options.port ?? 0, this.options.port ?? 0];
  const count = max - min + 1;
  const start = Math.floor(Math.random() * count);
  for (let tried = 0; ; tried += 1) {
    try {
      await bind(this.socket, min + ((start + tried) % count));
      return;
    } catch (error) {
      if (tried + 1 < count) continue;
      this.socket.close();
      throw error;
    }
  }
}

function bind(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.off('listening', onListening);
      reject(error);
    };
    const onListening = (): void => {
      socket.off('error', onError);
      resolve();
    };
    socket.once('error', onError);
    socket.once('listening', onListening);
    socket.bind({ port });
  });
}
