// Values of square cells, and their interpolation at pixels (`cells_at` of resample.py).

import { addRow, resampler, taps } from "./kernel.js";
import { clip, floats } from "./numbers.js";
import { lengthOf } from "./tiling.js";

/** @typedef {import("./tiling.js").Range} Range */

/** Values of square cells, (height, width, channels).
 * @typedef {{height: number, width: number, data: Float32Array}} Cells */

/** Cells, interpolated at an image's pixels in some of its rows and columns: linear between the
 * cells' middles.
 *
 * @param {Cells} cells which cover the image
 * @param {Range} y
 * @param {Range} x
 * @param {number} cell side of a cell, in pixels; without end if there is but one
 * @param {number} [channels]
 * @returns {Float32Array} (rows, columns, channels)
 */
export function cellsAt({ height, width, data }, y, x, cell, channels = 1) {
  /** @param {number} count @param {Range} range */
  const along = (count, range) =>
    taps(count, range, 1 / cell, 1, (distance) => clip(1 - Math.abs(distance)));
  const rowAt = resampler(along(height, y), along(width, x), channels, (sums, row, left, weight) =>
    addRow(sums, data, (row * width + left) * channels, weight),
  );
  const length = lengthOf(x) * channels;
  const out = floats(lengthOf(y) * length);
  for (let k = 0; k < lengthOf(y); k++) out.set(rowAt(k), k * length);
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
