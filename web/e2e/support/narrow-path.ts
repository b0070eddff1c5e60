import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/** Bytes of IPv4 and UDP headers, which fill a link too. */
const HEADER_BYTES = 28;

export interface Conditions {
  /** What the path carries towards the viewer, bit/s; null for anything. */
  readonly bitsPerSecond: number | null;
  /** The longest that a packet may wait for its turn; those that would wait longer are lost. */
  readonly queueMs: number;
  /** Share of the packets that get lost, in both directions, 0 to 1. */
  readonly lossShare: number;
  /** Time that a packet is under way, one way. */
  readonly delayMs: number;
  /** Picks packets of the viewer that get lost besides. */
  readonly loses?: (packet: Buffer) => boolean;
}

/**
 * A path between a viewer and the server that is as bad as asked for: both send to it over UDP, and it passes on what gets
 * through. Packets wait for their turn at most `queueMs`; those that would wait longer are dropped and counted.
 */
export class NarrowPath {
  conditions: Conditions;
  readonly #entrance: Socket;
  readonly #server: { readonly address: string; readonly port: number };
  /** One socket per address that the viewer sends from, so that the server tells them apart. */
  readonly #ways = new Map<string, Socket>();
  readonly #up = new Line();
  readonly #down = new Line();
  readonly #random: () => number;
  #freeMs = 0;
  #offeredBytes = 0;
  #dropped = 0;

  private constructor(entrance: Socket, server: { address: string; port: number }, conditions: Conditions) {
    this.#entrance = entrance;
    this.#server = server;
    this.conditions = conditions;
    this.#random = randomOf(1);
    entrance.on('message', (packet, from) => this.#toServer(packet, from));
  }

  /** @param server Where the server takes media. */
  static async open(server: { address: string; port: number }, conditions: Conditions): Promise<NarrowPath> {
    const entrance = createSocket('udp4');
    await new Promise<void>((resolve) => entrance.bind(0, '127.0.0.1', resolve));
    return new NarrowPath(entrance, server, conditions);
  }

  /** Where the viewer has to send to, on 127.0.0.1. */
  get port(): number {
    return this.#entrance.address().port;
  }

  /** Bytes that the server sent to the viewer, headers included, whatever became of them. */
  get offeredBytes(): number {
    return this.#offeredBytes;
  }

  /** Packets towards the viewer for which the queue was too long. */
  get dropped(): number {
    return this.#dropped;
  }

  close(): void {
    this.#up.close();
    this.#down.close();
    for (const way of this.#ways.values()) way.close();
    this.#entrance.close();
  }

  #toServer(packet: Buffer, from: RemoteInfo): void {
    const way = this.#wayOf(from);
    if (this.#isLost() || this.conditions.loses?.(packet)) return;
    this.#up.push(performance.now() + this.conditions.delayMs, () =>
      way.send(packet, this.#server.port, this.#server.address),
    );
  }

  #toViewer(packet: Buffer, to: RemoteInfo): void {
    const { bitsPerSecond, queueMs, delayMs } = this.conditions;
    const nowMs = performance.now();
    const turnMs = Math.max(nowMs, this.#freeMs);
    const sizeBytes = packet.length + HEADER_BYTES;
    this.#offeredBytes += sizeBytes;
    if (bitsPerSecond !== null && turnMs - nowMs > queueMs) {
      this.#dropped += 1;
      return;
    }
    this.#freeMs = turnMs + (bitsPerSecond === null ? 0 : (sizeBytes * 8000) / bitsPerSecond);
    if (this.#isLost()) return;
    this.#down.push(this.#freeMs + delayMs, () => this.#entrance.send(packet, to.port, to.address));
  }

  #isLost(): boolean {
    return this.#random() < this.conditions.lossShare;
  }

  #wayOf(from: RemoteInfo): Socket {
    const name = `${from.address}:${from.port}`;
    let way = this.#ways.get(name);
    if (!way) {
      way = createSocket('udp4');
      way.on('message', (packet) => this.#toViewer(packet, from));
      this.#ways.set(name, way);
    }
    return way;
  }
}

/** Packets under way in one direction. They never overtake each other. Emptied by its own timer. */
class Line {
  readonly #packets: { readonly dueMs: number; readonly send: () => void }[] = [];
  #lastMs = 0;
  #timer: NodeJS.Timeout | undefined;

  push(dueMs: number, send: () => void): void {
    this.#lastMs = Math.max(dueMs, this.#lastMs);
    this.#packets.push({ dueMs: this.#lastMs, send });
    this.#timer ??= setTimeout(() => this.#drain(), dueMs - performance.now());
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#packets.length = 0;
  }

  #drain(): void {
    const nowMs = performance.now();
    for (let next = this.#packets[0]; next && next.dueMs <= nowMs; next = this.#packets[0]) {
      this.#packets.shift();
      next.send();
    }
    const next = this.#packets[0];
    this.#timer = next && setTimeout(() => this.#drain(), next.dueMs - nowMs);
  }
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
