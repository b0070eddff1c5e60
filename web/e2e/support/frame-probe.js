// Looks at the canvas of the frame service's page and listens to what it plays. Put into the page before its own scripts.
(() => {
  /** Where the demo avatars have their mouths, in shares of the picture. */
  const MOUTH = { x: 0.37, y: 0.61, width: 0.26, height: 0.22 };
  const SIZE_PX = 64;

  /** @type {AnalyserNode | null} */
  let ear = null;
  const connect = /** @type {(...given: unknown[]) => AudioNode} */ (AudioNode.prototype.connect);
  // What goes to the loudspeaker is listened to on its way.
  AudioNode.prototype.connect = /** @type {typeof AudioNode.prototype.connect} */ (
    /** @this {AudioNode} */ function (/** @type {unknown[]} */ ...given) {
      if (given[0] instanceof AudioDestinationNode) {
        if (ear?.context !== this.context) {
          ear = new AnalyserNode(this.context, { fftSize: 1024, smoothingTimeConstant: 0 });
        }
        connect.call(this, ear);
      }
      return connect.apply(this, given);
    }
  );

  function loudness() {
    if (!ear) return 0;
    const samples = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  function mouthPixels() {
    const source = /** @type {HTMLCanvasElement} */ (document.getElementById('canvas'));
    const canvas = new OffscreenCanvas(SIZE_PX, SIZE_PX);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no 2d canvas');
    const { width, height } = source;
    const box = { x: MOUTH.x * width, y: MOUTH.y * height, width: MOUTH.width * width, height: MOUTH.height * height };
    context.drawImage(source, box.x, box.y, box.width, box.height, 0, 0, SIZE_PX, SIZE_PX);
    return context.getImageData(0, 0, SIZE_PX, SIZE_PX).data;
  }

  /** @param {Uint8ClampedArray} a @param {Uint8ClampedArray} b */
  function difference(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += i % 4 === 3 ? 0 : Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    return sum / (a.length * 0.75);
  }

  const frameProbe = {
    /** Looks every 40 ms for `durationMs`: how much the mouth moved since the look before, and how loud it was. */
    async watch(/** @type {number} */ durationMs) {
      /** @type {{ atMs: number, motion: number, loudness: number }[]} */
      const seen = [];
      let before = mouthPixels();
      const endMs = performance.now() + durationMs;
      while (performance.now() < endMs) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        const now = mouthPixels();
        seen.push({ atMs: performance.now(), motion: difference(before, now), loudness: loudness() });
        before = now;
      }
      return seen;
    },
    /** Value of a live figure. @param {string} label */
    figure(label) {
      const term = [...document.querySelectorAll('#figure-list dt')].find(({ textContent }) => textContent === label);
      return term?.nextElementSibling?.textContent ?? '';
    },
  };
  Object.assign(globalThis, { frameProbe });
})();
