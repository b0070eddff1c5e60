import { AppError } from '../errors.ts';
import type { ProviderId } from '../models/execution-providers.ts';
import type { Engine, EngineSpec, StartProgress } from './engine.ts';

/** Which engine: one of ours by id, or somebody's module, which then comes first. */
export interface EngineChoice {
  readonly id: string;
  /** Module that exports {@link EngineModule}; null for ours. */
  readonly moduleUrl: string | null;
  /** What the configuration says to engines of ours; crosses threads. */
  readonly settings?: EngineSettings;
}

/** Settings of single engines; paths are absolute. */
export interface EngineSettings {
  readonly musetalk: MuseTalkSettings;
}

export interface MuseTalkSettings {
  /** Where the graphs lie. */
  readonly modelsFolder: string;
  /** `fast`: the small decoder, which is less exact. Default: `full`. */
  readonly decoder?: 'full' | 'fast';
  /** Tried in this order; null for all that this machine can try. */
  readonly executionProviders: readonly ProviderId[] | null;
  /** Of the processor; 0 for one a core. */
  readonly threads: number;
  /** A KServe v2 server that computes instead of this machine; null for none. */
  readonly remoteUrl: string | null;
}

/** What a module with an engine exports. Importing it loads no model. */
export interface EngineModule {
  readonly spec: EngineSpec;
  /** Absolute paths of the files that the engine cannot do without. */
  readonly modelFiles?: readonly string[] | ((settings: EngineSettings | undefined) => readonly string[]);
  /** Makes an instance for the calling thread. @throws {AppError} `model_missing` if a file that it needs is not there. */
  createEngine(settings?: EngineSettings, onProgress?: (progress: StartProgress) => void): Promise<Engine>;
}

const ENGINES: Readonly<Record<string, () => Promise<EngineModule>>> = {
  static: () => import('./static.ts'),
  embedded: () => import('./embedded/embedded.ts'),
  musetalk: () => import('./musetalk/musetalk.ts'),
};

/** Ids of our engines. */
export const ENGINE_IDS: readonly string[] = Object.keys(ENGINES);

/**
 * What an engine needs, without loading its models; for the main thread.
 * @throws {AppError} `config_invalid` if there is no such engine, `engine_failed` if its module cannot be used.
 */
export async function engineSpec(choice: EngineChoice): Promise<EngineSpec> {
  return (await loadModule(choice)).spec;
}

/** Absolute paths of the files that an engine cannot do without. @throws as {@link engineSpec}. */
export async function modelFiles(choice: EngineChoice): Promise<readonly string[]> {
  const { modelFiles: files = [] } = await loadModule(choice);
  return typeof files === 'function' ? files(choice.settings) : files;
}

/**
 * Makes an engine for the calling thread, which should be a worker: models block while they load and run.
 * @throws {AppError} as {@link engineSpec}, and what the engine itself throws.
 */
export async function createEngine(
  choice: EngineChoice,
  onProgress?: (progress: StartProgress) => void,
): Promise<Engine> {
  return (await loadModule(choice)).createEngine(choice.settings, onProgress);
}

async function loadModule({ id, moduleUrl }: EngineChoice): Promise<EngineModule> {
  if (moduleUrl === null) {
    const load = Object.hasOwn(ENGINES, id) ? ENGINES[id] : undefined;
    if (load) return load();
    throw new AppError('config_invalid', `engine must be one of ${ENGINE_IDS.join(', ')}, got "${id}"`);
  }
  let loaded: unknown;
  try {
    loaded = await import(moduleUrl);
  } catch (cause) {
    throw new AppError('engine_failed', `the module of engine ${id}, ${moduleUrl}, cannot be loaded`, { cause });
  }
  if (isEngineModule(loaded)) return loaded;
  throw new AppError('engine_failed', `the module of engine ${id}, ${moduleUrl}, must export spec and createEngine()`);
}

function isEngineModule(value: unknown): value is EngineModule {
  if (typeof value !== 'object' || value === null || !('spec' in value) || !('createEngine' in value)) return false;
  return typeof value.spec === 'object' && value.spec !== null && typeof value.createEngine === 'function';
}
