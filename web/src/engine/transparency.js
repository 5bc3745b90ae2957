// Fills the colours under fully transparent pixels, so that the network sees no edge there
// (src/unblur/photo/transparency.py).

import { cellsAt } from "./cells.js";
import { floats } from "./numbers.js";
import { whole } from "./tiling.js";

/** Replaces the colours of pixels of weight 0 by an extrapolation of the others.
 *
 * @param {Float32Array} colours (height, width, channels); changed
 * @param {Float32Array} alpha (height, width), not negative; empty: all is seen
 * @param {number} height
 * @param {number} width
 * @param {number} channels
 */
export function fillTransparent(colours, alpha, height, width, channels) {
  const most = alpha.reduce((one, other) => Math.max(one, other), 0);
  if (most) pullPush(colours, alpha.map((value) => value / most), height, width, channels);
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
  const half = floats(rows * columns * channels);
  const mean = floats(rows * columns);
  weights.forEach((weight, pixel) => {
    const to = (Math.floor(pixel / width) >> 1) * columns + ((pixel % width) >> 1);
    mean[to] += weight / 4;
    for (let c = 0; c < channels; c++) {
      half[to * channels + c] += (colours[pixel * channels + c] * weight) / 4;
    }
  });
  for (let k = 0; k < half.length; k++) half[k] /= Math.max(mean[Math.floor(k / channels)], 1e-12);
  pullPush(half, mean.map((weight) => Math.min(1, weight * 4)), rows, columns, channels);
  const coarse = { height: rows, width: columns, data: half };
  // Three quarters of the near sample, a quarter of the next.
  const wide = cellsAt(coarse, whole(height), whole(width), 2, channels);
  for (let k = 0; k < wide.length; k++) {
    if (!weights[Math.floor(k / channels)]) colours[k] = wide[k];
  }
}
