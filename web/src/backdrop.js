/** Side of the thumbnail that is looked at, in pixels. */
const SIZE_PX = 16;

/**
 * Colours at the edges of a portrait, above the shoulders, so that the page can carry its background on.
 *
 * @param {HTMLImageElement} portrait Loaded, of this origin.
 * @returns {{ left: string, top: string, right: string }} CSS colours.
 */
export function backdropOf(portrait) {
  const canvas = document.createElement('canvas');
  canvas.width = SIZE_PX;
  canvas.height = SIZE_PX;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('The browser gave no 2d canvas.');
  context.drawImage(portrait, 0, 0, SIZE_PX, SIZE_PX);
  const upperHalf = SIZE_PX / 2;
  return {
    left: mean(context.getImageData(0, 0, 1, upperHalf).data),
    top: mean(context.getImageData(0, 0, SIZE_PX, 1).data),
    right: mean(context.getImageData(SIZE_PX - 1, 0, 1, upperHalf).data),
  };
}

/** Mean of RGBA pixels as a CSS colour. */
function mean(/** @type {Uint8ClampedArray} */ pixels) {
  const sums = [0, 0, 0];
  for (let i = 0; i < pixels.length; i += 4) {
    for (let c = 0; c < 3; c++) sums[c] = (sums[c] ?? 0) + (pixels[i + c] ?? 0);
  }
  return `rgb(${sums.map((sum) => Math.round(sum / (pixels.length / 4))).join(' ')})`;
}
