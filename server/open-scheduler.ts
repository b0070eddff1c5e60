import type { Settings } from './config/settings.ts';
import type { EngineChoice } from './engines/registry.ts';
import { AppError, describeError } from './errors.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Scheduler } from './scheduler/scheduler.ts';

/** The engine of ours with this id, and what the configuration says to it. */
export function engineOf(settings: Settings['engine'], id = settings.id): EngineChoice {
  return { id, moduleUrl: null, settings: { musetalk: settings.musetalk } };
}

/**
 * Starts the configured engine, or the first of its fallbacks that starts.
 *
 * @throws {AppError} `engine_failed` with the reason of each if none does.
 */
export async function openScheduler(
  settings: Settings['engine'],
  options: { engines?: readonly EngineChoice[]; log: Log; metrics: Metrics },
): Promise<Scheduler> {
  const { log, metrics } = options;
  const configured = [settings.id, ...settings.fallbacks].map((id) => engineOf(settings, id));
  const reasons: string[] = [];
  for (const engine of options.engines ?? configured) {
    try {
      const { workers, computeBudgetMs } = settings;
      const scheduler = await Scheduler.open({ engine, workers, computeBudgetMs, avatars: [], log, metrics });
      const talking = scheduler.capacity ?? undefined;
      log.info({ engine: engine.id, workers: workers || undefined, talking }, 'engine is running');
      return scheduler;
    } catch (error) {
      const { code, message } = describeError(error);
      const reason = code === 'internal' ? String(error) : message;
      reasons.push(`  ${engine.id}: ${reason}`);
      log.error({ engine: engine.id, reason }, 'engine cannot start; the next one is tried');
    }
  }
  throw new AppError('engine_failed', `No engine can start:\n${reasons.join('\n')}`);
}
