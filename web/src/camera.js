/** Longest side of a photo, in pixels: avatars are shown at 512. */
const WANTED_PX = 1280;

/** The person's camera, open while its picture is shown. */
export class Camera {
  #video;
  /** @type {MediaStream | null} */
  #stream = null;
  /** Counts the openings: a stream that comes after the camera was closed is let go. */
  #opening = 0;

  /** @param {HTMLVideoElement} video Shows what the camera sees. */
  constructor(video) {
    this.#video = video;
  }

  /**
   * @returns {Promise<boolean>} Whether the picture is there; false if the camera was closed in the meantime.
   * @throws {DOMException} as `getUserMedia` does; see {@link cameraProblem}.
   */
  async open() {
    const opening = ++this.#opening;
    if (!navigator.mediaDevices) throw new DOMException('This page is not secure.', 'SecurityError');
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'user', width: { ideal: WANTED_PX }, height: { ideal: WANTED_PX } },
    });
    if (opening !== this.#opening) {
      stop(stream);
      return false;
    }
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => {});
    return opening === this.#opening;
  }

  /** The picture that is seen now, cut to the square that is shown, as others see the person: not mirrored. */
  async shoot() {
    const { videoWidth, videoHeight } = this.#video;
    const sidePx = Math.min(videoWidth, videoHeight);
    const canvas = document.createElement('canvas');
    canvas.width = sidePx;
    canvas.height = sidePx;
    const [x, y] = [(videoWidth - sidePx) / 2, (videoHeight - sidePx) / 2];
    canvas.getContext('2d')?.drawImage(this.#video, x, y, sidePx, sidePx, 0, 0, sidePx, sidePx);
    /** @type {Blob | null} */
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (!picture) throw new Error('The browser made no picture.');
    return new File([picture], 'photo.png', { type: 'image/png' });
  }

  /** Idempotent. */
  close() {
    this.#opening += 1;
    if (this.#stream) stop(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }
}

/** Why there is no camera, in words. */
export function cameraProblem(/** @type {unknown} */ error) {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') {
    return 'The camera is blocked for this page. Allow it by the icon left of the address, or choose a file.';
  }
  if (name === 'SecurityError') return 'Browsers open the camera to secure pages only. Use https, or choose a file.';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'No camera was found. Choose a file instead.';
  return 'The camera does not start; another program may be holding it. Close that one, or choose a file.';
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}
