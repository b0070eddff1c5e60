import { AppError } from '../errors.ts';
import { HEADER_LENGTH, inferRequest, readAnswer } from './kserve.ts';
import type { Model, ModelTensor } from './model.ts';

export interface RemoteModelOptions {
  /** Longest that one run may take, retry included, ms. Default 10 000. */
  readonly limitMs?: number;
  /** Runs under way at once; more are refused. Default 8. */
  readonly maxRuns?: number;
}

const LIMIT_MS = 10_000;
const MAX_RUNS = 8;
const READY_LIMIT_MS = 5000;
/** What an answer may have beside its tensors, and for each of their numbers, which may come as text. */
const MAX_HEADER_BYTES = 65_536;
const MAX_NUMBER_BYTES = 32;
/** How much of a server's own words is told. */
const MAX_REASON = 300;

/**
 * A model that another machine runs, over HTTP by the KServe v2 protocol (Triton, ONNX Runtime servers and others). A run whose
 * connection is lost is tried once more, which is safe because models keep nothing between runs.
 */
export class RemoteModel implements Model {
  readonly #url: string;
  readonly #limitMs: number;
  readonly #maxRuns: number;
  readonly #closing = new AbortController();
  #runs = 0;

  private constructor(url: string, { limitMs = LIMIT_MS, maxRuns = MAX_RUNS }: RemoteModelOptions) {
    this.#url = url;
    this.#limitMs = limitMs;
    this.#maxRuns = maxRuns;
  }

  /**
   * @param serverUrl Such as `http://gpu.example.org:8000`.
   * @param name Of the model on that server.
   * @throws {AppError} `engine_failed` if the server cannot be reached or does not have the model ready.
   */
  static async open(serverUrl: string, name: string, options: RemoteModelOptions = {}): Promise<RemoteModel> {
    const url = `${serverUrl.replace(/\/+$/, '')}/v2/models/${encodeURIComponent(name)}`;
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(READY_LIMIT_MS) }).catch((cause) => {
      throw failed(url, `the server must answer, it does not (${reasonOf(cause)})`, cause);
    });
    await response.body?.cancel();
    if (response.status === 200) return new RemoteModel(url, options);
    throw failed(url, `the model must be ready (200), the server answered ${response.status}`);
  }

  async run(inputs: Record<string, ModelTensor>, outputs: Record<string, ModelTensor>): Promise<void> {
    if (this.#closing.signal.aborted) throw failed(this.#url, 'the model is closed');
    if (this.#runs >= this.#maxRuns) throw failed(this.#url, `at most ${this.#maxRuns} runs may be under way`);
    this.#runs++;
    try {
      await this.#ask(inputs, outputs);
    } finally {
      this.#runs--;
    }
  }

  /** Runs under way fail. */
  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #ask(inputs: Record<string, ModelTensor>, outputs: Record<string, ModelTensor>): Promise<void> {
    const { headerBytes, body } = inferRequest(inputs, Object.keys(outputs));
    const timeout = AbortSignal.timeout(this.#limitMs);
    const request = {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(headerBytes) },
      body: new Uint8Array(body.buffer as ArrayBuffer, body.byteOffset, body.length),
      signal: AbortSignal.any([timeout, this.#closing.signal]),
    };
    const numbers = Object.values(outputs).reduce((sum, { data }) => sum + data.length, 0);
    const once = () => exchange(`${this.#url}/infer`, request, MAX_HEADER_BYTES + MAX_NUMBER_BYTES * numbers);
    const answer = await once()
      .catch((error: unknown) => {
        if (error instanceof AppError || request.signal.aborted) throw error;
        return once();
      })
      .catch((cause: unknown) => {
        if (cause instanceof AppError) throw cause;
        if (timeout.aborted) throw failed(this.#url, `no answer within ${this.#limitMs} ms`, cause);
        throw failed(this.#url, `the connection was lost (${reasonOf(cause)})`, cause);
      });
    try {
      readAnswer(answer.body, answer.headerBytes, outputs);
    } catch (cause) {
      throw failed(this.#url, `the answer is wrong: ${reasonOf(cause)}`, cause);
    }
  }
}

interface Answer {
  readonly body: Buffer;
  readonly headerBytes: number | null;
}

/** @throws {AppError} if the server refuses or sends too much; anything else if the connection is lost. */
async function exchange(url: string, request: RequestInit, mostBytes: number): Promise<Answer> {
  const response = await fetch(url, request);
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > mostBytes) throw failed(url, `the answer must have at most ${mostBytes} bytes, got more`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (!response.ok) {
    throw failed(url, `the server answered ${response.status}: ${body.toString('utf8', 0, MAX_REASON)}`);
  }
  const headerBytes = response.headers.get(HEADER_LENGTH);
  return { body, headerBytes: headerBytes === null ? null : Number(headerBytes) };
}

function failed(url: string, reason: string, cause?: unknown): AppError {
  return new AppError('engine_failed', `${url}: ${reason}`, { cause });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
