/** Something that is wanted by a point in time. */
export interface Dated {
  readonly dueMs: number;
}

/**
 * Work waiting for an engine, earliest deadline first. At most `capacity` items; when full, the one that is due first
 * (the likeliest to be late anyway) makes room. Emptied by the engine thread.
 */
export class DeadlineQueue<T extends Dated> {
  readonly #items: T[] = [];
  readonly #capacity: number;

  constructor(capacity: number) {
    if (!(Number.isInteger(capacity) && capacity > 0)) {
      throw new RangeError(`capacity must be a whole number of at least 1, got ${capacity}`);
    }
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  /** What waits, in the order in which it is due; borrowed until the queue changes. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** The item that is due first; it stays. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Adds `item`; items of equal deadline stay in order. Returns the item that had to go, or null. */
  push(item: T): T | null {
    let at = this.#items.length;
    while (at > 0 && this.#items[at - 1].dueMs > item.dueMs) at -= 1;
    this.#items.splice(at, 0, item);
    return this.#items.length > this.#capacity ? (this.#items.shift() ?? null) : null;
  }

  /** Takes the item that is due first. */
  shift(): T | undefined {
    return this.#items.shift();
  }

  /** Takes `items` out, wherever they stand. */
  remove(items: readonly T[]): void {
    for (const item of items) {
      const at = this.#items.indexOf(item);
      if (at >= 0) this.#items.splice(at, 1);
    }
  }

  /** Takes everything. */
  drain(): T[] {
    return this.#items.splice(0);
  }
}
