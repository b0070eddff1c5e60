/** Buckets are 8 % wide, so that a percentile is right within about 4 %, and powers of ten are borders. */
const BUCKETS_PER_DECADE = 30;
const SMALLEST = 0.001;
const BUCKETS = 260;
/** A value that lies on a border belongs below it, however its logarithm is rounded. */
const ROUNDING = 1e-9;

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
    const bucket = clamped <= SMALLEST ? 0 : Math.ceil(BUCKETS_PER_DECADE * Math.log10(clamped / SMALLEST) - ROUNDING);
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
      return Math.min(border(position), this.#max);
    }
    return 0;
  }

  /** How many values were recorded, and their sum. */
  get total(): { readonly count: number; readonly sum: number } {
    return { count: this.#count, sum: this.#sum };
  }

  /**
   * How many values do not exceed each of some borders; exact, because the borders are those of the buckets.
   *
   * @param from Power of ten, at least 0.001, that is the first border.
   * @param to Power of ten that is the last border.
   * @param perDecade Borders in each decade, evenly on the logarithmic scale; a divisor of 30.
   */
  cumulative(from: number, to: number, perDecade: number): { readonly upTo: number; readonly count: number }[] {
    const last = Math.round(BUCKETS_PER_DECADE * Math.log10(to / SMALLEST));
    let next = Math.round(BUCKETS_PER_DECADE * Math.log10(from / SMALLEST));
    const borders: { upTo: number; count: number }[] = [];
    let count = 0;
    for (let bucket = 0; bucket <= last; bucket += 1) {
      count += this.#counts[bucket];
      if (bucket !== next) continue;
      borders.push({ upTo: border(bucket), count });
      next += BUCKETS_PER_DECADE / perDecade;
    }
    return borders;
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

/** Upper border of a bucket; a bucket that is not whole lies between two. */
function border(bucket: number): number {
  return SMALLEST * 10 ** (bucket / BUCKETS_PER_DECADE);
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

  /** All that was counted so far, by name. */
  get counters(): ReadonlyMap<string, Counter> {
    return this.#counters;
  }

  /** All that was measured so far, by name. */
  get histograms(): ReadonlyMap<string, Histogram> {
    return this.#histograms;
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
