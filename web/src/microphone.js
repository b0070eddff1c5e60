import { recall, remember } from './memory.js';

/** @typedef {import('./state.js').MicrophoneProblem} MicrophoneProblem */

/** The person's microphone: opened on request, remembered by device, measured for the level line. */
export class Microphone {
  /** @type {MediaStreamTrack | null} */
  #track = null;
  #onEnded;

  /** @param {() => void} onEnded The device went away while it was open. */
  constructor(onEnded) {
    this.#onEnded = onEnded;
  }

  /** Open track, or null. */
  get track() {
    return this.#track;
  }

  /** Id of the device in use or to be used; '' for the system's choice. */
  get deviceId() {
    return this.#track?.getSettings().deviceId ?? recall('microphone') ?? '';
  }

  /** Chooses the device that the next `open()` takes. */
  choose(/** @type {string} */ deviceId) {
    remember('microphone', deviceId || null);
  }

  /**
   * Asks the browser for the microphone; an open one is replaced once the new one is there.
   *
   * @returns {Promise<MediaStreamTrack>}
   * @throws {DOMException} as `getUserMedia` does; see {@link microphoneProblem}.
   */
  async open() {
    const deviceId = recall('microphone');
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        // Preferred, not demanded: a device that is no longer plugged in must not end in an error.
        ...(deviceId ? { deviceId: { ideal: deviceId } } : {}),
        channelCount: { ideal: 1 },
        echoCancellation: { ideal: true },
        noiseSuppression: { ideal: true },
        autoGainControl: { ideal: true },
      },
    });
    const [track] = stream.getAudioTracks();
    if (!track) throw new DOMException('The browser gave no audio track.', 'NotFoundError');
    this.close();
    this.#track = track;
    track.addEventListener('ended', () => {
      if (track !== this.#track) return;
      this.#track = null;
      this.#onEnded();
    });
    return track;
  }

  /** Idempotent. */
  close() {
    this.#track?.stop();
    this.#track = null;
  }
}

/** Whether this page may ask for a microphone at all. */
export function microphoneAllowedHere() {
  return isSecureContext && navigator.mediaDevices !== undefined;
}

/**
 * @param {unknown} error What `getUserMedia` threw.
 * @returns {MicrophoneProblem}
 */
export function microphoneProblem(error) {
  if (!microphoneAllowedHere()) return 'insecure';
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'microphone-refused';
  if (name === 'NotReadableError' || name === 'AbortError') return 'microphone-busy';
  return 'microphone-missing';
}

/**
 * Microphones by name, the system's choice first. Names are known only once the browser has given access.
 *
 * @returns {Promise<{ id: string, label: string }[]>}
 */
export async function listMicrophones() {
  if (!microphoneAllowedHere()) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === 'audioinput' && device.label !== '')
    .map((device) => ({ id: device.deviceId, label: device.label }));
}
