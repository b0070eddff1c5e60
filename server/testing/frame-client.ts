import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface FrameClientOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Record<string, string>;
}

export interface ServerSays {
  readonly type: string;
  readonly session_id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A client of the frame service that keeps what it gets: pictures apart from everything else. */
export class FrameClient {
  readonly socket: WebSocket;
  /** VIDEO_FRAME and ACTION_FRAME. */
  readonly frames: ServerSays[] = [];
  /** Binary messages. */
  readonly binary: Buffer[] = [];
  sessionId = '';
  readonly #said: ServerSays[] = [];
  #onChange: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.binary.push(data);
      else this.#take(JSON.parse(data.toString()));
      this.#onChange();
    });
    socket.on('close', () => this.#onChange());
  }

  static async open(url: string, { protocols = [], headers = {} }: FrameClientOptions = {}): Promise<FrameClient> {
    const socket = new WebSocket(url, [...protocols], { headers });
    const client = new FrameClient(socket);
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return client;
  }

  /** Sends INIT and adopts the session. */
  async init(data: object = {}): Promise<ServerSays> {
    const answer = await this.ask({ type: 'INIT', session_id: 'my-own', data });
    this.sessionId = answer.session_id;
    return answer;
  }

  /** Sends an object as JSON, a text or bytes as they are. */
  send(message: object | string | Uint8Array): void {
    const isRaw = typeof message === 'string' || message instanceof Uint8Array;
    this.socket.send(isRaw ? message : JSON.stringify(message));
  }

  /** Sends a message of this session. */
  say(type: string, data: object = {}): void {
    this.send({ type, session_id: this.sessionId, data });
  }

  /** Sends `ms` of a tone. */
  generate(ms = 40, more: object = {}): void {
    const pcm = Int16Array.from({ length: ms * 16 }, (_, n) => 12_000 * Math.sin((2 * Math.PI * 300 * n) / 16_000));
    const chunk = { format: 'pcm_s16le', sample_rate: 16_000, channels: 1, duration_ms: Math.min(ms, 1000) };
    this.say('GENERATE', { audio_chunk: { ...chunk, data: Buffer.from(pcm.buffer).toString('base64') }, ...more });
  }

  /** The next message that is no picture. @throws if the socket closes first. */
  async next(): Promise<ServerSays> {
    await this.until(() => this.#said.length > 0);
    const message = this.#said.shift();
    if (!message) throw new Error('the socket has closed');
    return message;
  }

  /** Sends and gives the next message that is no picture. */
  ask(message: object | string | Uint8Array): Promise<ServerSays> {
    const answer = this.next();
    this.send(message);
    return answer;
  }

  /** Messages besides pictures that nobody has asked for yet. */
  get waiting(): readonly ServerSays[] {
    return this.#said;
  }

  /** Waits until something is so, or the socket has closed. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && this.socket.readyState !== WebSocket.CLOSED) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  /** Waits until so many pictures have come in all. */
  untilFrames(count: number): Promise<void> {
    return this.until(() => this.frames.length + this.binary.length >= count);
  }

  /** Waits until the server has closed the socket; its code. */
  async closed(): Promise<number> {
    const [code] = await once(this.socket, 'close');
    return code;
  }

  #take(message: ServerSays): void {
    if (message.type === 'VIDEO_FRAME' || message.type === 'ACTION_FRAME') this.frames.push(message);
    else this.#said.push(message);
  }
}
