import { PIECE_SAMPLES, SOUND_RATE_HZ } from './frame-client.js';

/**
 * What is said to the frame service: sound files, or the microphone.
 *
 * @typedef {import('./frame-client.js').FrameClient} FrameClient
 * @typedef {import('./frame-client.js').Picture} Picture
 * @typedef {{ sound: AudioBuffer, pcm: Int16Array }} Recording
 */

const PIECE_MS = (PIECE_SAMPLES * 1000) / SOUND_RATE_HZ;
/** A picture this early in the sound still counts as its first. */
const EARLY_MS = 40;

/** @param {Float32Array} samples -1..1 */
export function toPcm(samples) {
  return Int16Array.from(samples, (value) => Math.round(Math.max(-1, Math.min(1, value)) * 32_767));
}

/** @param {ArrayBuffer} bytes Of a sound file that the browser can read. @returns {Promise<Recording>} */
export async function readRecording(bytes) {
  const context = new OfflineAudioContext(1, 1, SOUND_RATE_HZ);
  // One decoded at the rate of the service to be sent, the other as it is to be heard.
  const [toSend, sound] = await Promise.all([
    context.decodeAudioData(bytes.slice(0)),
    new OfflineAudioContext(1, 1, 48_000).decodeAudioData(bytes),
  ]);
  const mono = new Float32Array(toSend.length);
  for (let channel = 0; channel < toSend.numberOfChannels; channel += 1) {
    const samples = toSend.getChannelData(channel);
    for (let i = 0; i < mono.length; i += 1) mono[i] = (mono[i] ?? 0) + (samples[i] ?? 0) / toSend.numberOfChannels;
  }
  return { sound, pcm: toPcm(mono) };
}

export class FrameVoice {
  #client;
  #context = new AudioContext();
  #sentSamples = 0;
  /** When each piece of what is said now was sent, and where in all that was sent it begins. @type {{ atMs: number, startMs: number }[]} */
  #sent = [];
  /** @type {{ sound: AudioBuffer, startMs: number, source: AudioBufferSourceNode | null } | null} */
  #playing = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {{ stream: MediaStream, context: AudioContext } | null} */
  #microphone = null;
  #finish = () => {};
  /** Clip under the lips; null for the one before. @type {string | null} */
  baseVideo = null;

  /** @param {FrameClient} client */
  constructor(client) {
    this.#client = client;
  }

  get hasMicrophone() {
    return this.#microphone !== null;
  }

  /** What is heard goes through this. */
  get output() {
    return this.#context.destination;
  }

  /**
   * Says a recording in real time; it is heard when its pictures are seen.
   *
   * @param {Recording} recording
   * @returns {Promise<void>} Settles when all was sent, or something else is said.
   */
  async say({ sound, pcm }) {
    this.hush();
    await this.#context.resume();
    this.#playing = { sound, startMs: this.#positionMs, source: null };
    const originMs = performance.now();
    const count = Math.ceil(pcm.length / PIECE_SAMPLES);
    let sent = 0;
    await new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      this.#finish = resolve;
      const sendDue = () => {
        for (; sent < count && originMs + sent * PIECE_MS <= performance.now(); sent += 1) {
          const piece = new Int16Array(PIECE_SAMPLES);
          piece.set(pcm.subarray(sent * PIECE_SAMPLES, (sent + 1) * PIECE_SAMPLES));
          this.#send(piece);
        }
        if (sent === count) resolve();
        else this.#timer = setTimeout(sendDue, originMs + sent * PIECE_MS - performance.now());
      };
      sendDue();
    });
  }

  /** Says no more, and what was said is not heard any more. */
  hush() {
    clearTimeout(this.#timer);
    this.#finish();
    this.#playing?.source?.stop();
    this.#playing = null;
  }

  /** Says what the microphone hears. @throws {DOMException} as `getUserMedia` does. */
  async openMicrophone() {
    this.hush();
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: { ideal: 1 }, echoCancellation: { ideal: true }, noiseSuppression: { ideal: true } },
    });
    const context = new AudioContext({ sampleRate: SOUND_RATE_HZ });
    await context.audioWorklet.addModule('/src/capture-worklet.js');
    const capture = new AudioWorkletNode(context, 'capture', {
      numberOfOutputs: 0,
      processorOptions: { pieceSamples: PIECE_SAMPLES },
    });
    capture.port.onmessage = ({ data }) => this.#send(toPcm(data));
    context.createMediaStreamSource(stream).connect(capture);
    this.#microphone = { stream, context };
  }

  closeMicrophone() {
    for (const track of this.#microphone?.stream.getTracks() ?? []) track.stop();
    this.#microphone?.context.close();
    this.#microphone = null;
  }

  /**
   * Lets the recording be heard with the picture that shows it.
   *
   * @param {Picture} picture
   * @param {number} dueMs When the picture is shown, `performance.now()` ms.
   */
  onPicture({ audioMs }, dueMs) {
    const playing = this.#playing;
    if (audioMs === null || !playing || playing.source) return;
    const atMs = audioMs - playing.startMs;
    if (atMs < -EARLY_MS) return;
    const { contextTime = 0, performanceTime = 0 } = this.#context.getOutputTimestamp();
    const startS = contextTime + (dueMs - atMs - performanceTime) / 1000;
    const source = new AudioBufferSourceNode(this.#context, { buffer: playing.sound });
    source.connect(this.output);
    playing.source = source;
    const lateS = this.#context.currentTime - startS;
    if (lateS > 0) source.start(0, lateS);
    else source.start(startS);
  }

  /** How long ago the sound at `audioMs` of all that was sent went out, ms; NaN if that is not known any more. */
  ageMs(/** @type {number} */ audioMs) {
    const piece = this.#sent.findLast(({ startMs }) => startMs <= audioMs);
    return piece ? performance.now() - piece.atMs : Number.NaN;
  }

  /** Idempotent. */
  async close() {
    this.hush();
    this.closeMicrophone();
    if (this.#context.state !== 'closed') await this.#context.close();
  }

  get #positionMs() {
    return (this.#sentSamples * 1000) / SOUND_RATE_HZ;
  }

  #send(/** @type {Int16Array} */ pcm) {
    const { baseVideo } = this;
    this.#sent.push({ atMs: performance.now(), startMs: this.#positionMs });
    if (this.#sent.length > 512) this.#sent.shift();
    this.#sentSamples += pcm.length;
    this.#client.sendSound(pcm, baseVideo === null ? null : { state: 'speaking', baseVideo });
  }
}
