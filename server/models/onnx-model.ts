import { existsSync } from 'node:fs';
import type { InferenceSession } from 'onnxruntime-node';
import { AppError } from '../errors.ts';

/** Numbers and their shape, row-major; float32 or uint8, as the array is. */
export interface ModelTensor {
  readonly data: Float32Array | Uint8Array;
  readonly dims: readonly number[];
}

/**
 * One ONNX model, loaded for the calling thread, which should be a worker: loading and running block it. Runs on one core;
 * waiting burns no time.
 */
export class OnnxModel {
  readonly #path: string;
  readonly #session: InferenceSession;
  readonly #Tensor: typeof import('onnxruntime-node').Tensor;
  #state: 'open' | 'closed' = 'open';

  private constructor(path: string, session: InferenceSession, Tensor: typeof import('onnxruntime-node').Tensor) {
    this.#path = path;
    this.#session = session;
    this.#Tensor = Tensor;
  }

  /**
   * @param path Absolute path of an `.onnx` file.
   * @throws {AppError} `model_missing` if there is no such file; `engine_failed` if the runtime or the file cannot be loaded.
   */
  static async open(path: string): Promise<OnnxModel> {
    if (!existsSync(path)) throw new AppError('model_missing', `the model ${path} does not exist; put it there`);
    const runtime = await import('onnxruntime-node').catch((cause: unknown) => {
      const advice = 'run npm install again, or set engine.id to static';
      throw new AppError('engine_failed', `onnxruntime-node cannot be loaded: ${messageOf(cause)}; ${advice}`, {
        cause,
      });
    });
    try {
      const session = await runtime.InferenceSession.create(path, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
      });
      return new OnnxModel(path, session, runtime.Tensor);
    } catch (cause) {
      throw new AppError('engine_failed', `the model ${path} cannot be loaded: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Runs the model once.
   *
   * @param inputs By name. Borrowed until the promise settles.
   * @param outputs By name: memory of the right size that the results are written to. Not shared memory.
   * @throws {AppError} `engine_failed` if names, shapes or the run are wrong.
   */
  async run(inputs: Record<string, ModelTensor>, outputs: Record<string, ModelTensor>): Promise<void> {
    if (this.#state === 'closed') throw new AppError('engine_failed', `the model ${this.#path} is closed`);
    try {
      await this.#session.run(this.#tensors(inputs), this.#tensors(outputs));
    } catch (cause) {
      throw new AppError('engine_failed', `the model ${this.#path} cannot run: ${messageOf(cause)}`, { cause });
    }
  }

  /** Releases the model. Idempotent. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#session.release();
  }

  #tensors(named: Record<string, ModelTensor>): InferenceSession.OnnxValueMapType {
    const entries = Object.entries(named);
    return Object.fromEntries(
      entries.map(([name, { data, dims }]) => [
        name,
        data instanceof Float32Array
          ? new this.#Tensor('float32', data, [...dims])
          : new this.#Tensor('uint8', data, [...dims]),
      ]),
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
