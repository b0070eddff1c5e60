import { existsSync } from 'node:fs';
import type { InferenceSession } from 'onnxruntime-node';
import { AppError } from '../errors.ts';
import type { ProviderId } from './execution-providers.ts';
import type { Model, ModelTensor } from './model.ts';

export type { ModelTensor } from './model.ts';

export interface OnnxModelOptions {
  /** What computes. Default: the processor. */
  readonly provider?: ProviderId;
  /** Threads of the processor for one run. Default 1. */
  readonly threads?: number;
}

/**
 * One ONNX model, loaded for the calling thread, which should be a worker: loading and running block it. Waiting burns no time.
 */
export class OnnxModel implements Model {
  /** In the order of the graph. */
  readonly inputNames: readonly string[];
  readonly #path: string;
  readonly #session: InferenceSession;
  readonly #Tensor: typeof import('onnxruntime-node').Tensor;
  #state: 'open' | 'closed' = 'open';

  private constructor(path: string, session: InferenceSession, Tensor: typeof import('onnxruntime-node').Tensor) {
    this.#path = path;
    this.#session = session;
    this.#Tensor = Tensor;
    this.inputNames = session.inputNames;
  }

  /**
   * @param path Absolute path of an `.onnx` file.
   * @throws {AppError} `model_missing` if there is no such file; `engine_failed` if the runtime, the provider or the file cannot
   *   be loaded. There is no fallback to another provider.
   */
  static async open(path: string, { provider = 'cpu', threads = 1 }: OnnxModelOptions = {}): Promise<OnnxModel> {
    if (!existsSync(path)) throw new AppError('model_missing', `the model ${path} does not exist; put it there`);
    const runtime = await loadRuntime();
    try {
      const session = await runtime.InferenceSession.create(path, sessionOptions(provider, threads));
      return new OnnxModel(path, session, runtime.Tensor);
    } catch (cause) {
      const how = provider === 'cpu' ? '' : ` with ${provider}`;
      throw new AppError('engine_failed', `the model ${path} cannot be loaded${how}: ${messageOf(cause)}`, { cause });
    }
  }

  async run(inputs: Record<string, ModelTensor>, outputs: Record<string, ModelTensor>): Promise<void> {
    if (this.#state === 'closed') throw new AppError('engine_failed', `the model ${this.#path} is closed`);
    try {
      await this.#session.run(this.#tensors(inputs), this.#tensors(outputs));
    } catch (cause) {
      throw new AppError('engine_failed', `the model ${this.#path} cannot run: ${messageOf(cause)}`, { cause });
    }
  }

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

/** Names of the execution providers that the runtime of this machine knows; whether they work shows when a model is opened. */
export async function knownProviders(): Promise<readonly string[]> {
  return (await loadRuntime()).listSupportedBackends().map(({ name }) => name);
}

async function loadRuntime(): Promise<typeof import('onnxruntime-node')> {
  return await import('onnxruntime-node').catch((cause: unknown) => {
    const advice = 'run npm install again, or set engine.id to static';
    throw new AppError('engine_failed', `onnxruntime-node cannot be loaded: ${messageOf(cause)}; ${advice}`, { cause });
  });
}

function sessionOptions(provider: ProviderId, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [configOf(provider)],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // DirectML asks for it.
    enableMemPattern: provider !== 'dml',
    graphOptimizationLevel: 'all',
    // Warnings are about which nodes the processor does; errors are thrown as well.
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
  };
}

/** What a provider cannot do, the processor does within the same session. */
function configOf(provider: ProviderId): InferenceSession.ExecutionProviderConfig {
  // The other layout computes convolutions of 6, 9, 15 … channels wrongly (onnxruntime issue 29651).
  return provider === 'webgpu' ? { name: 'webgpu', preferredLayout: 'NCHW' } : { name: provider };
}

/** What the runtime said, without the place in its own source and the empty lines at its end. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\/onnxruntime_src\/.* was false\. /s, '').trim();
}
