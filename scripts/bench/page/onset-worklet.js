/** Louder than this is a beep. */
const LOUD = 0.1;
/** A beep begins after at least this much without any. */
const QUIET_S = 0.3;

/** Posts the context time, in seconds, at which each beep begins. */
class OnsetProcessor extends AudioWorkletProcessor {
  #quietSamples = 0;

  process([[samples]]) {
    for (let i = 0; samples && i < samples.length; i += 1) {
      if (Math.abs(samples[i]) < LOUD) {
        this.#quietSamples += 1;
      } else {
        if (this.#quietSamples >= QUIET_S * sampleRate) this.port.postMessage((currentFrame + i) / sampleRate);
        this.#quietSamples = 0;
      }
    }
    return true;
  }
}

registerProcessor('onset', OnsetProcessor);
