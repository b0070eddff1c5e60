import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { AppError } from '../errors.ts';
import type { ProviderId, ProviderRefusal } from './execution-providers.ts';
import { Golden } from './golden.ts';
import type { Model } from './model.ts';
import { type GraphFacts, type GraphName, graphFile, requireGraph } from './musetalk-graphs.ts';
import { OnnxModel } from './onnx-model.ts';
import { openOnProvider } from './provider-choice.ts';
import { RemoteModel } from './remote-model.ts';

/** Where graphs lie and what computes them. */
export interface GraphSource {
  /** Absolute. */
  readonly modelsFolder: string;
  /** Tried in this order; null for all that this machine knows. */
  readonly executionProviders: readonly ProviderId[] | null;
  /** Of the processor; 0 for one a core. */
  readonly threads: number;
  /** A KServe v2 server that computes; null for this machine. */
  readonly remoteUrl: string | null;
}

/** How far opening is: what is under way, and the share 0..1 that is done. */
export interface LoadProgress {
  readonly step: string;
  readonly share: number;
}

export interface OpenedGraphs<N extends GraphName> {
  readonly models: Readonly<Record<N, Model>>;
  /** What the graphs say about themselves. */
  readonly facts: Readonly<Record<N, GraphFacts>>;
  readonly provider: ProviderId | 'remote';
  /** Why nothing before it in the order computes. */
  readonly refusals: readonly ProviderRefusal[];
  close(): Promise<void>;
}

/** Whether a graph that one can do without is there. */
export function hasGraph(folder: string, graph: GraphName): boolean {
  return existsSync(graphFile(folder, graph));
}

/**
 * Opens graphs of MuseTalk, all on the same provider: the first that computes what was computed where they were made.
 *
 * @param names Which.
 * @param onProgress Called before each step.
 * @throws {AppError} `model_missing`, `model_invalid` for the files; `engine_failed` with the reason of each provider if none
 *   can compute them. Nothing is left open then.
 */
export async function openGraphs<N extends GraphName>(
  names: readonly N[],
  source: GraphSource,
  onProgress: (progress: LoadProgress) => void = () => {},
): Promise<OpenedGraphs<N>> {
  const { modelsFolder, executionProviders, remoteUrl } = source;
  const facts = await factsOf(names, modelsFolder);
  const golden = await Golden.read(modelsFolder);
  const threads = source.threads || availableParallelism();

  const tell = (verb: string, name: N, step: number) =>
    onProgress({ step: `${verb} ${name}`, share: step / (2 * names.length) });
  const compare = async (set: GraphSet<N>): Promise<string | null> => {
    for (const [at, name] of names.entries()) {
      tell('testing', name, names.length + at);
      const difference = await golden.compare(name, set.models[name]);
      if (difference !== null) return difference;
    }
    return null;
  };
  const open = (openOne: (name: N) => Promise<Model>) =>
    GraphSet.open(names, (name, at) => {
      tell('loading', name, at);
      return openOne(name);
    });

  if (remoteUrl !== null) {
    const set = await open((name) => RemoteModel.open(remoteUrl, name));
    await requireRight(set, compare, remoteUrl);
    return { models: set.models, facts, provider: 'remote', refusals: [], close: () => set.close() };
  }
  const { opened, provider, refusals } = await openOnProvider({
    wanted: executionProviders,
    open: (on) => open((name) => OnnxModel.open(graphFile(modelsFolder, name), { provider: on, threads })),
    compare,
  });
  return { models: opened.models, facts, provider, refusals, close: () => opened.close() };
}

/** Models that are opened and closed together. */
class GraphSet<N extends GraphName> {
  readonly models: Readonly<Record<N, Model>>;

  private constructor(models: Record<N, Model>) {
    this.models = models;
  }

  static async open<N extends GraphName>(
    names: readonly N[],
    openOne: (name: N, at: number) => Promise<Model>,
  ): Promise<GraphSet<N>> {
    const models: Partial<Record<GraphName, Model>> = {};
    const set = new GraphSet(models as Record<N, Model>);
    try {
      for (const [at, name] of names.entries()) models[name] = await openOne(name, at);
      return set;
    } catch (error) {
      await set.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all(Object.values<Model>(this.models).map((model) => model.close()));
  }
}

async function factsOf<N extends GraphName>(names: readonly N[], folder: string): Promise<Record<N, GraphFacts>> {
  const read = names.map(async (name) => [name, await requireGraph(graphFile(folder, name), name)] as const);
  return Object.fromEntries(await Promise.all(read)) as Record<N, GraphFacts>;
}

/** Closes a set that computes wrongly. @throws {AppError} `engine_failed` then. */
async function requireRight<N extends GraphName>(
  set: GraphSet<N>,
  compare: (set: GraphSet<N>) => Promise<string | null>,
  url: string,
): Promise<void> {
  try {
    const difference = await compare(set);
    if (difference !== null) throw new AppError('engine_failed', `${url}: ${difference}`);
  } catch (error) {
    await set.close();
    throw error;
  }
}
