// Fills the colours under fully transparent pixels, so that the network sees no edge there
// (src/unblur/photo/transparency.py).

/** Replaces the colours of pixels of weight 0 by an extrapolation of the others.
 *
 * @param {Float32Array} colours (height, width, channels); changed
 * @param {Float32Array} alpha (height, width), not negative; empty: all is seen
 * @param {number} height
 * @param {number} width
 * @param {number} channels
 * @returns {boolean} whether there was anything to fill
 */
export function fillTransparent(colours, alpha, height, width, channels) {
  let most = 0;
  let hidden = false;
  for (const value of alpha) {
    if (value > most) most = value;
    hidden ||= value === 0;
  }
  if (!hidden || !most) return false;
  pullPush(colours, alpha.map((value) => value / most), height, width, channels);
  return true;
}

/** Fills the colours whose weight is 0 from the picture at half the size, filled in the same way
 * (Gortler et al. 1996, The Lumigraph, section 3.4: pull, push).
 *
 * @param {Float32Array} colours @param {Float32Array} weights
 * @param {number} height @param {number} width @param {number} channels
 */
function pullPush(colours, weights, height, width, channels) {
  if (weights.every(Boolean)) return;
  const rows = Math.ceil(height / 2);
  const columns = Math.ceil(width / 2);
  const half = new Float32Array(rows * columns * channels);
  const mean = new Float32Array(rows * columns);
  for (let i = 0, pixel = 0; i < height; i++) {
    for (let j = 0; j < width; j++, pixel++) {
      const to = (i >> 1) * columns + (j >> 1);
      const weight = weights[pixel] / 4;
      mean[to] += weight;
      for (let c = 0; c < channels; c++) {
        half[to * channels + c] += colours[pixel * channels + c] * weight;
      }
    }
  }
  for (let k = 0; k < half.length; k++) half[k] /= Math.max(mean[(k / channels) | 0], 1e-12);
  pullPush(half, mean.map((weight) => Math.min(1, weight * 4)), rows, columns, channels);
  // Twice the size, bilinear: three quarters of the near sample, a quarter of the next.
  for (let i = 0, pixel = 0; i < height; i++) {
    for (let j = 0; j < width; j++, pixel++) {
      if (weights[pixel] > 0) continue;
      const near = (i >> 1) * columns;
      const next = beside(i, rows) * columns;
      for (let c = 0; c < channels; c++) {
        /** @param {number} row @param {number} column */
        const at = (row, column) => half[(row + column) * channels + c];
        const left = j >> 1;
        const right = beside(j, columns);
        colours[pixel * channels + c] =
          0.75 * (0.75 * at(near, left) + 0.25 * at(next, left)) +
          0.25 * (0.75 * at(near, right) + 0.25 * at(next, right));
      }
    }
  }
}

/** The sample at half the size that is next nearest to a pixel.
 *
 * @param {number} pixel @param {number} count of samples
 */
const beside = (pixel, count) =>
  Math.min(count - 1, Math.max(0, (pixel >> 1) + (pixel % 2 ? 1 : -1)));
