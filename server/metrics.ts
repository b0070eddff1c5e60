/** Bucket borders grow by this factor: a percentile is right within about 4 %. */
const BUCKET_GROWTH = 1.08;
const SMALLEST = 0.001;
const BUCKETS = 260;

/** Something counted. */
export class Counter {
  #value = 0;

  add(count = 1): void {
    this.#value += count;
  }

  get value(): number {
    return this.#value;
  }
}

/** Spread of a measured quantity of at least 0, in buckets of 8 %; memory does not grow with the number of values. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  record(value: number): void {
    if (!Number.isFinite(value)) return;
    const clamped = Math.max(0, value);
    const bucket = clamped <= SMALLEST ? 0 : Math.ceil(Math.log(clamped / SMALLEST) / Math.log(BUCKET_GROWTH));
    this.#counts[Math.min(bucket, BUCKETS - 1)] += 1;
    this.#count += 1;
    this.#sum += clamped;
    this.#max = Math.max(this.#max, clamped);
  }

  /** Value that `share` (0..1) of the recorded ones do not exceed; 0 when nothing was recorded. */
  percentile(share: number): number {
    const wanted = share * this.#count;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const count = this.#counts[bucket];
      seen += count;
      if (seen < wanted || count === 0) continue;
      // Values are taken to lie evenly in their bucket.
      const position = bucket - (seen - wanted) / count;
      return Math.min(SMALLEST * BUCKET_GROWTH ** position, this.#max);
    }
    return 0;
  }

  summary(): HistogramSummary {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.percentile(0.5),
      p95: this.percentile(0.95),
      p99: this.percentile(0.99),
      max: this.#max,
    };
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }
}

export interface HistogramSummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What the process counts and measures. Names carry their unit (`_ms`). */
export class Metrics {
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #gauges = new Map<string, () => number>();

  counter(name: string): Counter {
    return getOrMake(this.#counters, name, () => new Counter());
  }

  histogram(name: string): Histogram {
    return getOrMake(this.#histograms, name, () => new Histogram());
  }

  /** Registers a value that is read when somebody looks. */
  gauge(name: string, read: () => number): void {
    this.#gauges.set(name, read);
  }

  snapshot(): MetricsSnapshot {
    return {
      counters: Object.fromEntries([...this.#counters].map(([name, counter]) => [name, counter.value])),
      gauges: Object.fromEntries([...this.#gauges].map(([name, read]) => [name, read()])),
      histograms: Object.fromEntries([...this.#histograms].map(([name, histogram]) => [name, histogram.summary()])),
    };
  }

  /** Starts all histograms anew; counters go on. */
  resetHistograms(): void {
    for (const histogram of this.#histograms.values()) histogram.reset();
  }
}

export interface MetricsSnapshot {
  readonly counters: Readonly<Record<string, number>>;
  readonly gauges: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, HistogramSummary>>;
}

function getOrMake<T>(map: Map<string, T>, name: string, make: () => T): T {
  let value = map.get(name);
  if (value === undefined) {
    value = make();
    map.set(name, value);
  }
  return value;
}
