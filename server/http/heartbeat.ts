import type { WebSocket } from 'ws';

const PING_EVERY_MS = 5000;
/** A socket that gave no sign of life for this long is dead; together with the tick it is gone well within 15 s. */
const SILENT_LIMIT_MS = 12_000;
const TICK_MS = 1000;

interface Watched {
  heardMs: number;
  pingedMs: number;
}

/** Finds sockets whose other end vanished without a goodbye (killed browser, lost network), and terminates them. */
export class Heartbeat {
  readonly #nowMs: () => number;
  readonly #sockets = new Map<WebSocket, Watched>();
  readonly #timer: NodeJS.Timeout;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Watches a socket until it closes. */
  watch(socket: WebSocket): void {
    const watched = { heardMs: this.#nowMs(), pingedMs: this.#nowMs() };
    this.#sockets.set(socket, watched);
    const heard = () => {
      watched.heardMs = this.#nowMs();
    };
    socket.on('message', heard).on('ping', heard).on('pong', heard);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Pings and terminates what is due. Called every second; tests call it with their own time. */
  tick(): void {
    const nowMs = this.#nowMs();
    for (const [socket, watched] of this.#sockets) {
      if (nowMs - watched.heardMs >= SILENT_LIMIT_MS) socket.terminate();
      else if (nowMs - watched.pingedMs >= PING_EVERY_MS) {
        watched.pingedMs = nowMs;
        socket.ping();
      }
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#sockets.clear();
  }
}
