/** Clock rate of RTP time stamps of pictures. */
const PICTURE_TICKS_PER_S = 90_000;
/** Looks behind one correction: 0.4 s of pictures. */
const LOOKS = 10;
/** Offsets below this are left alone. */
const TOLERATED_S = 0.004;
/** Larger offsets are jumped over; smaller ones are made up by playing a little faster or slower. */
const JUMP_FROM_S = 0.1;
/** Most by which the recording runs faster or slower. */
const MOST_SPEED = 0.03;

/**
 * What to do about an offset.
 *
 * @param {number} lateS How far the recording is behind its picture; negative if it is ahead.
 * @returns {{ jumpS: number, rate: number }} How far to jump ahead, and the rate to play at from now on.
 */
export function correction(lateS) {
  if (Math.abs(lateS) >= JUMP_FROM_S) return { jumpS: lateS, rate: 1 };
  if (Math.abs(lateS) < TOLERATED_S) return { jumpS: 0, rate: 1 };
  return { jumpS: 0, rate: 1 + Math.max(-MOST_SPEED, Math.min(MOST_SPEED, lateS)) };
}

/**
 * Plays a recording in step with a picture that comes without its sound: for clients of `/api/webrtc` that offer video alone and
 * play one of `audio_urls` themselves. Each picture bears the time stamp of its place in the recording; the recording is
 * brought to where the picture on the screen is, by a jump at first and by playing up to 3 % faster or slower from then on.
 */
export class RecordingSync {
  #video;
  #audio;
  #rtpOrigin;
  #audioDelayS;
  /** @type {number[]} */
  #latenesses = [];
  /** @type {'waiting' | 'starting' | 'playing' | 'over'} */
  #state = 'waiting';

  /**
   * @param {HTMLVideoElement} video Shows the session's picture.
   * @param {HTMLAudioElement} audio Its source is one of `audio_urls`; browsers let it play after a click.
   * @param {number} rtpOrigin `rtp_origin` of the answer.
   * @param {() => number} audioDelayS How long after `audio.currentTime` has come to a place that place is heard, in s, where
   *   the sound goes through an audio graph (its `outputLatency`); a plain element reckons with it itself.
   */
  constructor(video, audio, rtpOrigin, audioDelayS = () => 0) {
    this.#video = video;
    this.#audio = audio;
    this.#rtpOrigin = rtpOrigin;
    this.#audioDelayS = audioDelayS;
    audio.addEventListener('ended', () => this.close(), { once: true });
    this.#watch();
  }

  /** Stops following; the recording is paused. */
  close() {
    this.#state = 'over';
    this.#audio.pause();
  }

  #watch() {
    this.#video.requestVideoFrameCallback((_nowMs, { rtpTimestamp, expectedDisplayTime }) => {
      if (this.#state === 'over') return;
      this.#watch();
      if (rtpTimestamp !== undefined) this.#follow(rtpTimestamp, expectedDisplayTime);
    });
  }

  /**
   * @param {number} rtpTimestamp
   * @param {number} displayMs When that picture is on the screen.
   */
  #follow(rtpTimestamp, displayMs) {
    // The difference counts as one of signed 32 bit numbers, because time stamps wrap.
    const shownS = ((rtpTimestamp - this.#rtpOrigin) | 0) / PICTURE_TICKS_PER_S;
    if (shownS < 0) return;
    if (this.#state === 'waiting') {
      void this.#start(shownS);
      return;
    }
    const audio = this.#audio;
    if (this.#state !== 'playing' || audio.seeking || audio.readyState < audio.HAVE_FUTURE_DATA) return;
    const untilS = (displayMs - performance.now()) / 1000;
    const heardS = audio.currentTime + untilS * audio.playbackRate - this.#audioDelayS();
    this.#latenesses.push(shownS - heardS);
    if (this.#latenesses.length < LOOKS) return;
    const lateS = this.#latenesses.sort((a, b) => a - b)[LOOKS / 2] ?? 0;
    this.#latenesses = [];
    const { jumpS, rate } = correction(lateS);
    if (jumpS !== 0) audio.currentTime += jumpS;
    audio.playbackRate = rate;
  }

  /** @param {number} shownS */
  async #start(shownS) {
    this.#state = 'starting';
    try {
      this.#audio.currentTime = shownS;
      await this.#audio.play();
      if (this.#state === 'starting') this.#state = 'playing';
    } catch {
      // Not allowed yet, or not loaded: the next picture tries again.
      if (this.#state === 'starting') this.#state = 'waiting';
    }
  }
}
