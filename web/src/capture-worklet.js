// Runs in the audio thread: hands the microphone's sound over in pieces of `pieceSamples`.

/** @type {{ port: MessagePort } & Record<string, unknown>} */
const Base = /** @type {any} */ (globalThis).AudioWorkletProcessor;

class Capture extends /** @type {any} */ (Base) {
  /** @param {{ processorOptions: { pieceSamples: number } }} options */
  constructor({ processorOptions }) {
    super();
    this.piece = new Float32Array(processorOptions.pieceSamples);
    this.filled = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    for (const sample of inputs[0]?.[0] ?? []) {
      this.piece[this.filled] = sample;
      this.filled += 1;
      if (this.filled < this.piece.length) continue;
      this.port.postMessage(this.piece);
      this.piece = new Float32Array(this.piece.length);
      this.filled = 0;
    }
    return true;
  }
}

/** @type {any} */ (globalThis).registerProcessor('capture', Capture);
