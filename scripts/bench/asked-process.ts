import { type ChildProcess, fork } from 'node:child_process';

interface Response {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A process of a bench that carries out requests and answers each, over the IPC channel. */
export class AskedProcess<Request extends { readonly name: string }> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;

  /** @param program Absolute path of a module that calls {@link answerRequests}. */
  constructor(program: string) {
    this.#child = fork(program);
    this.#child.on('message', ({ id, result = null, error }: Response) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process of ${program} ended`));
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  ask(request: Request): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, request });
    });
  }

  /** Ends the process. Idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** The other end of an {@link AskedProcess}. */
export function answerRequests<Request>(answer: (request: Request) => Promise<unknown>): void {
  process.on('message', ({ id, request }: { id: number; request: Request }) => {
    answer(request).then(
      (result) => process.send?.({ id, result } satisfies Response),
      (error) => process.send?.({ id, error: String(error) } satisfies Response),
    );
  });
  // The parent has gone: nobody is left to tell what was measured.
  process.on('disconnect', () => process.exit());
}
