// Values of square cells, and their interpolation at pixels (`cells_at` of resample.py).

import { clip, floats } from "./numbers.js";
import { lengthOf } from "./tiling.js";

/** @typedef {import("./tiling.js").Range} Range */

/** Values of square cells, (height, width, channels).
 * @typedef {{height: number, width: number, data: Float32Array}} Cells */

/** Cells, interpolated at an image's pixels in some of its rows and columns: linear between the
 * cells' middles.
 *
 * @param {Cells} cells
 * @param {Range} y
 * @param {Range} x
 * @param {number} cell side of a cell, in pixels
 * @param {number} [channels]
 * @returns {Float32Array} (rows, columns, channels)
 */
export function cellsAt({ height, width, data }, y, x, cell, channels = 1) {
  const rows = between(y, height, cell);
  const columns = between(x, width, cell);
  const length = width * channels;
  const row = floats(length);
  const out = floats(lengthOf(y) * lengthOf(x) * channels);
  for (let i = 0, to = 0; i < rows.length; i += 3) {
    for (let k = 0; k < length; k++) {
      const value = data[rows[i] * length + k];
      row[k] = value + (data[rows[i + 1] * length + k] - value) * rows[i + 2];
    }
    for (let j = 0; j < columns.length; j += 3) {
      for (let c = 0; c < channels; c++) {
        const value = row[columns[j] * channels + c];
        out[to++] = value + (row[columns[j + 1] * channels + c] - value) * columns[j + 2];
      }
    }
  }
  return out;
}

/** The sum over the square of cells around each, the outer ones repeated.
 *
 * @param {Float64Array} cells (height, width)
 * @param {number} height
 * @param {number} width
 * @param {number} reach cells on each side
 */
export function around(cells, height, width, reach) {
  /** @param {number} place @param {number} count */
  const inside = (place, count) => clip(place, count - 1);
  return cells.map((_, k) => {
    let sum = 0;
    for (let y = -reach; y <= reach; y++) {
      const row = inside(Math.floor(k / width) + y, height) * width;
      for (let x = -reach; x <= reach; x++) sum += cells[row + inside((k % width) + x, width)];
    }
    return sum;
  });
}

/** The cells on both sides of each pixel, and the share of the second: (pixels, 3).
 *
 * @param {Range} pixels @param {number} count of cells @param {number} cell
 */
function between(pixels, count, cell) {
  const out = new Float64Array(lengthOf(pixels) * 3);
  for (let k = 0, [pixel] = pixels; k < out.length; k += 3, pixel++) {
    const place = clip((pixel + 0.5) / cell - 0.5, count - 1);
    const before = Math.floor(place);
    out.set([before, Math.min(before + 1, count - 1), place - before], k);
  }
  return out;
}
