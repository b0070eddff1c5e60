/**
 * Runs asynchronous tasks one after the other, in the order they came. FFmpeg contexts need it: two operations at once on
 * one of them end the process. Unbounded; whoever owns it bounds what is put in.
 */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `task` once all earlier ones have settled; a failed one does not stop the next. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Settles when every task so far has. Never rejects. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
