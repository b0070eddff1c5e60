import { FrameClient } from './frame-client.js';
import { FramePlayer } from './frame-player.js';
import { FrameVoice, readRecording } from './frame-voice.js';

/**
 * One session of the frame service on a page: its client, what plays its pictures, and what speaks.
 *
 * @typedef {object} SessionParts
 * @property {boolean} isBinary
 * @property {() => void} onFirst The first picture is shown.
 * @property {(message: string) => void} onProblem Something went wrong, and the session goes on.
 * @property {(reason: string) => void} onEnded The server ended it.
 */

/** Pictures that figures are taken from: the last two seconds. */
const WINDOW = 50;

export class FrameSession {
  #client;
  #player;
  #voice;
  /** @type {{ atMs: number, sizeBytes: number, ageMs: number }[]} */
  #recent = [];
  #pictures = 0;
  /** The clip at rest. */
  shownVideo = '';

  /**
   * @param {FrameClient} client
   * @param {FramePlayer} player
   */
  constructor(client, player) {
    this.#client = client;
    this.#player = player;
    this.#voice = new FrameVoice(client);
    this.shownVideo = client.welcome.default_video;
    this.#voice.baseVideo = client.welcome.available_videos.find((video) => video.startsWith('speaking_')) ?? null;
  }

  /**
   * @param {URL} url Of the WebSocket.
   * @param {HTMLCanvasElement} canvas
   * @param {SessionParts} parts
   */
  static async open(url, canvas, { isBinary, onFirst, onProblem, onEnded }) {
    const player = new FramePlayer(canvas, { onFirst, onProblem });
    /** @type {FrameSession | null} */
    let session = null;
    try {
      const client = await FrameClient.connect(
        url,
        { isBinary },
        {
          onPicture: (picture, sizeBytes) => {
            player.take(picture);
            session?.onPicture(picture, sizeBytes);
          },
          onError: ({ message }) => onProblem(message),
          onClosed: (code, reason) => {
            void session?.close();
            onEnded(reason || `The socket closed with code ${code}.`);
          },
        },
      );
      session = new FrameSession(client, player);
      return session;
    } catch (error) {
      player.close();
      throw error;
    }
  }

  get videos() {
    return this.#client.welcome.available_videos;
  }

  get hasMicrophone() {
    return this.#voice.hasMicrophone;
  }

  /** Says a sound file. @param {Blob} file @throws {Error} if it is none. */
  async sayFile(file) {
    let recording;
    try {
      recording = await readRecording(await file.arrayBuffer());
    } catch {
      throw new Error('This file holds no sound that the browser can read. Take a wav or mp3.');
    }
    this.#voice.closeMicrophone();
    void this.#voice.say(recording);
  }

  async toggleMicrophone() {
    if (this.#voice.hasMicrophone) this.#voice.closeMicrophone();
    else await this.#voice.openMicrophone();
  }

  hush() {
    this.#voice.hush();
    this.#voice.closeMicrophone();
  }

  /** Shows a clip: at rest, or once if it is an action. @param {string} video */
  async show(video) {
    const [state, index] = video.split('_');
    if (state === 'action') {
      await this.#client.act(Number(index));
      return;
    }
    const answer = await this.#client.changeState(state === 'speaking' ? 'speaking' : 'idle', video);
    this.shownVideo = answer.current_video;
  }

  /** What is measured, in words. */
  figures() {
    const first = this.#recent[0];
    const last = this.#recent.at(-1);
    const spanMs = (last?.atMs ?? 0) - (first?.atMs ?? 0);
    const bytes = this.#recent.slice(1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const ages = this.#recent.map(({ ageMs }) => ageMs).filter((ageMs) => !Number.isNaN(ageMs));
    const { decoded, shown, skipped, failures, leftOut } = this.#player;
    return {
      'Pictures a second': spanMs > 0 ? (((this.#recent.length - 1) * 1000) / spanMs).toFixed(1) : '–',
      'Sound to picture': ages.length > 0 ? `${Math.round(Math.max(...ages))} ms` : '–',
      Received: spanMs > 0 ? `${Math.round((bytes * 8) / spanMs)} kbit/s` : '–',
      Pictures: `${this.#pictures}`,
      Decoded: `${decoded}`,
      Shown: `${shown}`,
      'Came too late': `${skipped}`,
      'Fell behind': `${leftOut}`,
      'Decoder failures': `${failures}`,
    };
  }

  /** Ends the session. Idempotent. */
  async close() {
    await this.#voice.close();
    await this.#client.close();
    this.#player.close();
  }

  /**
   * @param {import('./frame-client.js').Picture} picture
   * @param {number} sizeBytes
   */
  onPicture(picture, sizeBytes) {
    this.#pictures += 1;
    const ageMs = picture.audioMs === null ? Number.NaN : this.#voice.ageMs(picture.audioMs);
    this.#recent.push({ atMs: performance.now(), sizeBytes, ageMs });
    if (this.#recent.length > WINDOW) this.#recent.shift();
    this.#voice.onPicture(picture, this.#player.dueMs(picture.timestampMs));
  }
}
