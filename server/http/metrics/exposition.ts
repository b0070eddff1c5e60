import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { Metrics } from '../../metrics.ts';
import {
  COUNTER_FAMILIES,
  type CounterFamily,
  HISTOGRAM_FAMILIES,
  type HistogramFamily,
  type Labels,
  ownCounterFamily,
  ownHistogramFamily,
  UNTOLD_HISTOGRAMS,
} from './families.ts';

/** A value that is looked up when somebody asks. */
export interface GaugeFamily {
  readonly name: string;
  readonly help: string;
  readonly read: () => readonly { readonly labels: Labels; readonly value: number }[];
}

/** One line of a family; `metricName` where it differs from the family's, as those of a histogram do. */
interface Line {
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly metricName?: string;
}

/** CPU, memory and event loop of the process; made by the first look, and kept as long as the process lives. */
let processRegistry: Registry | null = null;

/**
 * What the process counts and measures, in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats). Nothing is kept twice: every look reads `Metrics`, so that
 * counting costs what it did before.
 */
export class Exposition {
  readonly #metrics: Metrics;
  readonly #gauges: readonly GaugeFamily[];

  constructor(metrics: Metrics, gauges: readonly GaugeFamily[]) {
    this.#metrics = metrics;
    this.#gauges = gauges;
  }

  get contentType(): string {
    return Registry.PROMETHEUS_CONTENT_TYPE;
  }

  async text(): Promise<string> {
    processRegistry ??= openProcessRegistry();
    const own = new Registry();
    for (const family of this.#counterFamilies()) add(own, 'counter', family, this.#counterLines(family));
    for (const family of this.#histogramFamilies()) add(own, 'histogram', family, this.#histogramLines(family));
    for (const family of this.#gauges) {
      const lines = family.read().filter(({ value }) => Number.isFinite(value));
      add(own, 'gauge', family, lines);
    }
    const ofLine = await own.metrics();
    // Some milliseconds of work each: the sessions get their turn in between.
    await nextTurn();
    return `${ofLine}\n${await processRegistry.metrics()}`;
  }

  #counterFamilies(): readonly CounterFamily[] {
    const named = new Set(COUNTER_FAMILIES.flatMap(({ series }) => series.map(({ counter }) => counter)));
    const others = [...this.#metrics.counters.keys()].filter((name) => !named.has(name));
    return [...COUNTER_FAMILIES, ...others.map(ownCounterFamily)];
  }

  #histogramFamilies(): readonly HistogramFamily[] {
    const named = new Set(HISTOGRAM_FAMILIES.flatMap(({ series }) => series.map(({ histogram }) => histogram)));
    const others = [...this.#metrics.histograms.keys()].filter(
      (name) => !named.has(name) && !UNTOLD_HISTOGRAMS.has(name),
    );
    return [...HISTOGRAM_FAMILIES, ...others.flatMap((name) => ownHistogramFamily(name) ?? [])];
  }

  /** What was not counted yet is told as 0, so that rates are right from the first time on. */
  #counterLines({ series }: CounterFamily): Line[] {
    return series.map(({ counter, labels }) => ({ labels, value: this.#metrics.counter(counter).value }));
  }

  #histogramLines({ name, series, scale, from, to, bordersPerDecade, isWhole }: HistogramFamily): Line[] {
    return series.flatMap(({ histogram, labels }) => {
      const measured = this.#metrics.histogram(histogram);
      const { count, sum } = measured.total;
      const bucket = (le: number | string, value: number): Line => ({
        labels: { ...labels, le },
        value,
        metricName: `${name}_bucket`,
      });
      const borders = measured.cumulative(from, to, bordersPerDecade).map((border) => ({
        le: isWhole ? Math.floor(border.upTo + 1e-9) : Number((border.upTo * scale).toPrecision(6)),
        count: border.count,
      }));
      // Rounded down, neighbours may become one.
      const distinct = borders.filter(({ le }, at) => le !== borders[at + 1]?.le);
      return [
        ...distinct.map(({ le, count }) => bucket(le, count)),
        bucket('+Inf', count),
        { labels, value: sum * scale, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ];
    });
  }
}

function add(
  registry: Registry,
  type: 'counter' | 'gauge' | 'histogram',
  { name, help }: { readonly name: string; readonly help: string },
  values: readonly Line[],
): void {
  const metric = { name, help, type, aggregator: 'sum', get: async () => ({ name, help, type, values }) };
  // The registry wants no more of a metric than this, which its types do not say.
  registry.registerMetric(metric as unknown as Metric);
}

function openProcessRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
