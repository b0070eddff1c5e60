import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A WebSocket client that keeps every message until it is asked for. */
export class TextClient {
  readonly socket: WebSocket;
  readonly #received: Record<string, unknown>[] = [];
  readonly #waiting: ((message: Record<string, unknown>) => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString());
      const next = this.#waiting.shift();
      if (next) next(message);
      else this.#received.push(message);
    });
  }

  static async open(
    url: string,
    options: { origin?: string; headers?: Record<string, string> } = {},
  ): Promise<TextClient> {
    const socket = new WebSocket(url, { rejectUnauthorized: false, ...options });
    const client = new TextClient(socket);
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return client;
  }

  /** Sends an object as JSON, or a text as it is. */
  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message, in the order they came. */
  next(): Promise<Record<string, unknown>> {
    const message = this.#received.shift();
    return message ? Promise.resolve(message) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends and gives the next message. */
  ask(message: object | string): Promise<Record<string, unknown>> {
    const answer = this.next();
    this.send(message);
    return answer;
  }

  /** Waits until the server has closed the socket. */
  async closed(): Promise<number> {
    if (this.socket.readyState === WebSocket.CLOSED) return 0;
    const [code] = await once(this.socket, 'close');
    return code;
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.close();
    await closed;
  }
}
