import type { Metrics } from '../../metrics.ts';
import type { App } from '../app.ts';
import { Exposition } from './exposition.ts';
import { type LiveSources, liveGauges } from './live-gauges.ts';

/** Serves `/metrics` for Prometheus; to administrators alone where access is not free. */
export function serveMetrics(app: App, metrics: Metrics, sources: LiveSources): void {
  const exposition = new Exposition(metrics, liveGauges(sources));
  const schema = { tags: ['operation'], operationId: 'metrics', summary: 'Counters and measures for Prometheus' };
  app.get('/metrics', { config: { scope: 'admin' }, schema }, async (_request, reply) => {
    reply.type(exposition.contentType).header('cache-control', 'no-store');
    return exposition.text();
  });
}
