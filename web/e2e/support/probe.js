// Looks at and listens to what the page shows. Put into the page before its own scripts; answers to `probe.…`.
(() => {
  /** Where the demo avatars have their mouths, in shares of the picture. */
  const MOUTH = { x: 0.37, y: 0.61, width: 0.26, height: 0.22 };
  /** Side of the picture that is compared, in pixels. */
  const SIZE_PX = 64;

  const video = () => /** @type {HTMLVideoElement} */ (document.getElementById('video'));

  /** @param {CanvasImageSource} source @param {{ x: number, y: number, width: number, height: number }} box in source pixels */
  function pixels(source, box) {
    const canvas = new OffscreenCanvas(SIZE_PX, SIZE_PX);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no 2d canvas');
    context.drawImage(source, box.x, box.y, box.width, box.height, 0, 0, SIZE_PX, SIZE_PX);
    return context.getImageData(0, 0, SIZE_PX, SIZE_PX).data;
  }

  /** Mean difference of two pictures, 0..255. @param {Uint8ClampedArray} a @param {Uint8ClampedArray} b */
  function difference(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += i % 4 === 3 ? 0 : Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    return sum / (a.length * 0.75);
  }

  function mouthPixels() {
    const { videoWidth: width, videoHeight: height } = video();
    const box = { x: MOUTH.x * width, y: MOUTH.y * height, width: MOUTH.width * width, height: MOUTH.height * height };
    return pixels(video(), box);
  }

  function newAnalyser(/** @type {number} */ fftSize) {
    const track = /** @type {MediaStream} */ (video().srcObject).getAudioTracks()[0];
    if (!track) throw new Error('the page has no sound');
    const context = new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    return { context, analyser };
  }

  /** @param {AnalyserNode} analyser */
  function rms(analyser) {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const probe = {
    /** Watches for `durationMs`: per picture its time, how much the mouth moved since the one before, and the loudness. */
    async watch(/** @type {number} */ durationMs) {
      const { context, analyser } = newAnalyser(1024);
      /** @type {{ atMs: number, motion: number, loudness: number }[]} */
      const seen = [];
      let before = mouthPixels();
      const endMs = performance.now() + durationMs;
      await new Promise((resolve) => {
        const look = () => {
          const now = mouthPixels();
          const atMs = performance.now();
          seen.push({ atMs, motion: difference(before, now), loudness: rms(analyser) });
          before = now;
          if (atMs < endMs) video().requestVideoFrameCallback(look);
          else resolve(undefined);
        };
        video().requestVideoFrameCallback(look);
      });
      await context.close();
      return seen;
    },

    /** Loudest frequency heard in `durationMs`, in Hz, and its level in dB. */
    async tone(/** @type {number} */ durationMs) {
      const { context, analyser } = newAnalyser(8192);
      const spectrum = new Float32Array(analyser.frequencyBinCount);
      let loudest = { frequencyHz: 0, level: Number.NEGATIVE_INFINITY };
      const endMs = performance.now() + durationMs;
      while (performance.now() < endMs) {
        await sleep(40);
        analyser.getFloatFrequencyData(spectrum);
        spectrum.forEach((level, bin) => {
          if (level > loudest.level) loudest = { frequencyHz: (bin * context.sampleRate) / analyser.fftSize, level };
        });
      }
      await context.close();
      return loudest;
    },

    /** RMS of the sound over the last 20 ms or so, listened to for 200 ms. */
    async loudness() {
      const { context, analyser } = newAnalyser(1024);
      let loudest = 0;
      for (let i = 0; i < 10; i++) {
        await sleep(20);
        loudest = Math.max(loudest, rms(analyser));
      }
      await context.close();
      return loudest;
    },

    /** How far the live picture is from an avatar's portrait, 0..255. */
    async distanceTo(/** @type {string} */ avatarId) {
      const portrait = new Image();
      portrait.src = `/avatars/${avatarId}/portrait`;
      await portrait.decode();
      const whole = (/** @type {number} */ width, /** @type {number} */ height) => ({ x: 0, y: 0, width, height });
      return difference(
        pixels(portrait, whole(portrait.naturalWidth, portrait.naturalHeight)),
        pixels(video(), whole(video().videoWidth, video().videoHeight)),
      );
    },

    /** Pictures shown so far. */
    frames: () => video().getVideoPlaybackQuality().totalVideoFrames,
  };
  Object.assign(globalThis, { probe });
})();
