import type { Settings } from './config/settings.ts';
import type { EngineReport, StartProgress } from './engines/engine.ts';
import type { EngineChoice } from './engines/registry.ts';
import { AppError, describeError } from './errors.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Scheduler } from './scheduler/scheduler.ts';

/** The engine of ours with this id, and what the configuration says to it. */
export function engineOf(settings: Settings['engine'], id = settings.id): EngineChoice {
  return { id, moduleUrl: null, settings: { musetalk: settings.musetalk } };
}

export interface OpenSchedulerOptions {
  /** Called while an engine starts. */
  readonly onProgress?: (id: string, progress: StartProgress) => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Starts the configured engine, or the first of its fallbacks that starts.
 *
 * @throws {AppError} `engine_failed` with the reason of each if none does.
 */
export async function openScheduler(
  settings: Settings['engine'],
  options: OpenSchedulerOptions & { readonly engines?: readonly EngineChoice[] },
): Promise<Scheduler> {
  const configured = [settings.id, ...settings.fallbacks].map((id) => engineOf(settings, id));
  const reasons: string[] = [];
  for (const engine of options.engines ?? configured) {
    try {
      return await startEngine(engine, settings, options);
    } catch (error) {
      const { code, message } = describeError(error);
      const reason = code === 'internal' ? String(error) : message;
      reasons.push(`  ${engine.id}: ${reason}`);
      options.log.error({ engine: engine.id, reason }, 'engine cannot start; the next one is tried');
    }
  }
  throw new AppError('engine_failed', `No engine can start:\n${reasons.join('\n')}`);
}

/** Starts one engine and says in the log what computes it. @throws {AppError} `engine_failed`, `config_invalid` */
export async function startEngine(
  engine: EngineChoice,
  { workers, computeBudgetMs }: Settings['engine'],
  { onProgress, log, metrics }: OpenSchedulerOptions,
): Promise<Scheduler> {
  const scheduler = await Scheduler.open({
    engine,
    workers,
    computeBudgetMs,
    avatars: [],
    onProgress: (progress) => onProgress?.(engine.id, progress),
    log,
    metrics,
  });
  const { capacity, report } = scheduler;
  const about = { engine: engine.id, workers: workers || undefined, talking: capacity ?? undefined };
  log.info({ ...about, provider: report?.provider, models: report?.models }, 'engine is running');
  if (report) warnOf(report, log);
  return scheduler;
}

/** What nobody should find out from the pictures. */
function warnOf({ provider, refusals, models }: EngineReport, log: Log): void {
  for (const refusal of refusals) log.info(refusal, 'an execution provider is not used');
  if (provider === 'cpu') {
    const advice =
      'the engine computes on the processor, many times too slowly for the published weights; npm run doctor says why';
    log.warn({ refusals }, advice);
  }
  if (models.some(({ weights }) => weights === 'random')) {
    log.warn({ models }, 'the weights are random: what this engine draws is noise; npm run fetch-models -- musetalk');
  }
}
