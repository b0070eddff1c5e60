import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { EngineReport, ModelReport, StartProgress } from './engines/engine.ts';
import { type EngineChoice, modelFiles } from './engines/registry.ts';
import { AppError, describeError } from './errors.ts';
import type { EngineState, ModelsState } from './http/api/models-state.ts';
import type { Log } from './log.ts';
import { GRAPH_NAMES, graphFile, requireGraph } from './models/musetalk-graphs.ts';
import type { Timers } from './timers.ts';

/** What draws; a scheduler with an engine. */
export interface RunningEngine {
  readonly spec: { readonly id: string };
  readonly report: EngineReport | null;
  close(): Promise<void>;
}

export interface EngineSwitchOptions<E extends RunningEngine> {
  /** Engines of ours, as configured. */
  readonly engines: readonly EngineChoice[];
  /** Starts an engine beside the one that runs. @throws {AppError} if it cannot start; nothing is left running then. */
  readonly start: (engine: EngineChoice, onProgress: (progress: StartProgress) => void) => Promise<E>;
  /** Makes what a new engine wants of the avatars, before it takes over. */
  readonly prepare: (engine: E, onProgress: (share: number) => void, signal: AbortSignal) => Promise<void>;
  /** Gives all sessions to a new engine; from then on the one before gets no jobs. */
  readonly takeOver: (engine: E) => void;
  readonly timers: Timers;
  readonly log: Log;
}

/** How long the engine before may still answer what it was asked; more than any picture is waited for. */
const LAST_ANSWERS_MS = 1000;

/**
 * The engine that draws, and the change to another while sessions run: the new one is loaded beside it, takes over all sessions at
 * once, and the one before is closed. If the new one cannot start, nothing changes.
 */
export class EngineSwitch<E extends RunningEngine> {
  readonly #options: EngineSwitchOptions<E>;
  readonly #stop = new AbortController();
  #running: E | null = null;
  #loading: ModelsState['loading'] = null;
  #problem: ModelsState['problem'] = null;
  #change: Promise<void> = Promise.resolve();

  constructor(options: EngineSwitchOptions<E>) {
    this.#options = options;
  }

  get running(): E | null {
    return this.#running;
  }

  /** How far the first engine is, until {@link begin}. */
  noteProgress(engine: string, { step, share }: StartProgress): void {
    this.#loading = { engine, step, share };
  }

  /** The first engine draws. Owns it from now on. */
  begin(engine: E): void {
    this.#running = engine;
    this.#loading = null;
  }

  /** What is loaded, loading and possible. */
  async state(): Promise<ModelsState> {
    const files = await Promise.all(this.#options.engines.map(filesOf));
    // Another engine may have taken over while files were looked at; from here on nothing waits, so that all is of one moment.
    const engines = files.map((each) => this.#stateOf(each));
    return { running: this.#running?.spec.id ?? null, loading: this.#loading, problem: this.#problem, engines };
  }

  /**
   * Begins the change to another engine, or to the same with models loaded anew; {@link state} tells how far it is.
   *
   * @throws {AppError} `not_ready` before the first engine runs and while the server shuts down, `in_progress` during a change.
   * @throws {RangeError} if there is no such engine.
   */
  switchTo(id: string): void {
    const choice = this.#options.engines.find((engine) => engine.id === id);
    if (!choice) throw new RangeError(`there is no engine ${id}`);
    if (!this.#running || this.#stop.signal.aborted) {
      throw new AppError('not_ready', 'The server is starting or shutting down; try again in a few seconds.');
    }
    if (this.#loading) {
      const { engine, step } = this.#loading;
      throw new AppError('in_progress', `The engine ${engine} is being loaded (${step}); try again when that is over.`);
    }
    this.#problem = null;
    this.#loading = { engine: id, step: 'starting', share: 0 };
    this.#change = this.#changeTo(choice);
  }

  /** Settles when no change is under way. */
  async settled(): Promise<void> {
    await this.#change;
  }

  /** Ends a change under way and closes the engine. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new AppError('not_ready', 'The server is shutting down.'));
    await this.#change;
    await this.#running?.close();
  }

  async #changeTo(choice: EngineChoice): Promise<void> {
    const { log } = this.#options;
    const before = this.#running;
    try {
      const engine = await this.#open(choice);
      this.#options.takeOver(engine);
      this.#running = engine;
      this.#loading = null;
      log.info({ engine: choice.id, before: before?.spec.id }, 'another engine has taken over');
    } catch (error) {
      const { code, message } = describeError(error);
      const detail = code === 'internal' ? String(error) : message;
      this.#loading = null;
      this.#problem = { engine: choice.id, detail };
      if (this.#stop.signal.aborted) return;
      log.error({ engine: choice.id, reason: detail }, 'engine cannot start; the one before goes on');
      return;
    }
    await this.#lastAnswers();
    await before?.close();
  }

  /** The new engine, ready to take over. */
  async #open(choice: EngineChoice): Promise<E> {
    const tell = (progress: StartProgress): void => this.noteProgress(choice.id, progress);
    const engine = await this.#options.start(choice, tell);
    try {
      this.#stop.signal.throwIfAborted();
      const tellShare = (share: number): void => tell({ step: 'preparing avatars', share });
      tellShare(0);
      await this.#options.prepare(engine, tellShare, this.#stop.signal);
      this.#stop.signal.throwIfAborted();
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  async #lastAnswers(): Promise<void> {
    const { timers } = this.#options;
    const { signal } = this.#stop;
    await new Promise<void>((resolve) => {
      const cancel = timers.at(timers.nowMs() + LAST_ANSWERS_MS, resolve);
      const stop = (): void => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) resolve();
    });
  }

  #stateOf({ id, missing, models }: EngineFiles): EngineState {
    const report = this.#running?.spec.id === id ? this.#running.report : null;
    return {
      id,
      state: this.#stateName(id, missing.length),
      missing_files: missing,
      provider: report?.provider ?? null,
      refused: report?.refusals ?? [],
      models: report?.models ?? models,
    };
  }

  #stateName(id: string, missing: number): EngineState['state'] {
    if (this.#loading?.engine === id) return 'loading';
    if (this.#running?.spec.id === id) return 'running';
    return missing > 0 ? 'incomplete' : 'available';
  }
}

/** What lies on disk of an engine. */
interface EngineFiles {
  readonly id: string;
  /** Names of files that it cannot do without. */
  readonly missing: readonly string[];
  readonly models: EngineState['models'];
}

async function filesOf(choice: EngineChoice): Promise<EngineFiles> {
  const missing = (await modelFiles(choice)).filter((path) => !existsSync(path)).map((path) => basename(path));
  return { id: choice.id, missing, models: await modelsOf(choice) };
}

/** What the models of an engine that does not run say about themselves. */
async function modelsOf({ id, settings }: EngineChoice): Promise<ModelReport[]> {
  if (id !== 'musetalk' || !settings) return [];
  const folder = settings.musetalk.modelsFolder;
  const read = GRAPH_NAMES.map(async (name) => {
    // One that is missing or not what it should be is told when somebody wants to load it.
    const facts = await requireGraph(graphFile(folder, name), name).catch(() => null);
    return facts ? [{ name, version: facts.model, precision: facts.precision, weights: facts.weights }] : [];
  });
  return (await Promise.all(read)).flat();
}
