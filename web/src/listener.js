/** Samples looked at for one level: 43 ms at 48 kHz. */
const WINDOW_SAMPLES = 2048;
/** RMS below which there is silence: about -60 dB, under a quiet room. */
const SILENCE = 0.001;

/** Listens to one audio track and says how loud it is, now. */
export class Listener {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {{ track: MediaStreamTrack, source: MediaStreamAudioSourceNode, analyser: AnalyserNode } | null} */
  #tap = null;
  #samples = new Float32Array(WINDOW_SAMPLES);

  /** Listens to `track` from now on; null stops. Call it first from a click: browsers start no sound engine without one. */
  listen(/** @type {MediaStreamTrack | null} */ track) {
    if (track === (this.#tap?.track ?? null)) return;
    this.#tap?.source.disconnect();
    this.#tap = null;
    if (!track) {
      void this.#context?.suspend();
      return;
    }
    this.#context ??= new AudioContext({ latencyHint: 'interactive' });
    void this.#context.resume();
    const source = this.#context.createMediaStreamSource(new MediaStream([track]));
    const analyser = new AnalyserNode(this.#context, { fftSize: WINDOW_SAMPLES, smoothingTimeConstant: 0 });
    source.connect(analyser);
    this.#tap = { track, source, analyser };
  }

  /** Loudness as people hear it: 0 for silence, 1 for loud speech. */
  level() {
    if (!this.#tap || this.#context?.state !== 'running') return 0;
    this.#tap.analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const rms = Math.sqrt(sum / WINDOW_SAMPLES);
    // -60 dB..-12 dB becomes 0..1.
    return rms < SILENCE ? 0 : Math.min(1, (20 * Math.log10(rms) + 60) / 48);
  }

  /** Whether `level()` speaks of a running sound engine: without one, its 0 means nothing. */
  get isListening() {
    return this.#tap !== null && this.#context?.state === 'running';
  }
}
