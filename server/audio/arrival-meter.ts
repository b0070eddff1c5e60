const WINDOW_MS = 10_000;
const CAPACITY = 1024;
/** Share of packets that may come later than the lateness says. */
const IGNORED_SHARE = 0.03;
/** The statistics are sorted anew after this many packets, or at once when a packet is later than expected. */
const PACKETS_PER_UPDATE = 25;
const SHRINK_MS_PER_SECOND = 2;

/**
 * Watches when packets arrive against their own time stamps, over the newest 10 s (at most 1024 packets; older ones are
 * overwritten). Says which transit is undisturbed, how late packets are beyond it, and how fast the sender's clock runs.
 */
export class ArrivalMeter {
  readonly #transitsMs = new Float64Array(CAPACITY);
  readonly #arrivedMs = new Float64Array(CAPACITY);
  readonly #sorted = new Float64Array(CAPACITY);
  #next = 0;
  #count = 0;
  #sinceUpdate = 0;
  #lastUpdateMs = 0;
  #packetMs = 20;
  #baseMs = Number.NaN;
  #latenessMs = 0;
  #drift = new DriftMeter();

  /** Arrival minus time stamp of the quickest packet, in ms; NaN before the first one. */
  get baseMs(): number {
    return this.#baseMs;
  }

  /** What 97 % of the packets are not later than, beyond the quickest, in ms. Grows at once, shrinks by 2 ms a second. */
  get latenessMs(): number {
    return this.#latenessMs;
  }

  /** How much faster the sender's clock runs than ours, in millionths; 0 until it has been watched for 20 s. */
  get driftPpm(): number {
    return this.#drift.ppm;
  }

  /**
   * @param sentMs The packet's time stamp in ms, not wrapped.
   * @param arrivedMs Monotonic.
   * @param packetMs Sound in the packet.
   */
  add(sentMs: number, arrivedMs: number, packetMs: number): void {
    const transitMs = arrivedMs - sentMs;
    if (this.#count > 0 && arrivedMs - this.#lastArrivedMs() > WINDOW_MS) this.clear();
    this.#transitsMs[this.#next] = transitMs;
    this.#arrivedMs[this.#next] = arrivedMs;
    this.#next = (this.#next + 1) % CAPACITY;
    this.#count = Math.min(this.#count + 1, CAPACITY);
    this.#packetMs = packetMs;
    if (!(transitMs >= this.#baseMs)) this.#baseMs = transitMs;
    this.#sinceUpdate += 1;
    if (this.#sinceUpdate >= PACKETS_PER_UPDATE || transitMs - this.#baseMs > this.#latenessMs) this.#update(arrivedMs);
  }

  /** Forgets everything: the sender has changed its clock. */
  clear(): void {
    this.#count = 0;
    this.#next = 0;
    this.#baseMs = Number.NaN;
    this.#latenessMs = 0;
    this.#drift = new DriftMeter();
  }

  #lastArrivedMs(): number {
    return this.#arrivedMs[(this.#next + CAPACITY - 1) % CAPACITY];
  }

  #update(nowMs: number): void {
    let known = 0;
    for (let i = 0; i < this.#count; i += 1) {
      if (nowMs - this.#arrivedMs[i] > WINDOW_MS) continue;
      this.#sorted[known] = this.#transitsMs[i];
      known += 1;
    }
    const sorted = this.#sorted.subarray(0, known).sort();
    this.#baseMs = sorted[0];
    // Counted from a full window, so that a stall early in a call weighs no more than a later one.
    const ignored = Math.floor((IGNORED_SHARE * WINDOW_MS) / this.#packetMs);
    const latenessMs = known > ignored ? sorted[known - 1 - ignored] - sorted[0] : 0;
    const shrunkMs = this.#latenessMs - (SHRINK_MS_PER_SECOND * (nowMs - this.#lastUpdateMs)) / 1000;
    this.#latenessMs = Math.max(latenessMs, shrunkMs, 0);
    this.#lastUpdateMs = nowMs;
    this.#sinceUpdate = 0;
    this.#drift.add(nowMs, this.#baseMs);
  }
}

const DRIFT_POINT_MS = 10_000;
const DRIFT_POINTS = 13;

/** Slope of the quickest transit over the newest two minutes: one point every 10 s. */
class DriftMeter {
  #points: { atMs: number; baseMs: number }[] = [];

  add(atMs: number, baseMs: number): void {
    const last = this.#points.at(-1);
    if (last && atMs - last.atMs < DRIFT_POINT_MS) return;
    this.#points.push({ atMs, baseMs });
    if (this.#points.length > DRIFT_POINTS) this.#points.shift();
  }

  get ppm(): number {
    // The first point comes from one packet alone and says little while others exist.
    const points = this.#points.length > 2 ? this.#points.slice(1) : [];
    const first = points[0];
    const last = points.at(-1);
    if (!first || !last || last === first) return 0;
    return (-1e6 * (last.baseMs - first.baseMs)) / (last.atMs - first.atMs);
  }
}
