// The eight turns and flips of a picture, as batches for the network, and what comes back
// (src/unblur/inference/averaging.py, and `padded` of tiling.py).

import { floats, times, upTo } from "./numbers.js";


/** @typedef {import("./network.js").Contract} Contract */

/** A turned picture: its pixel (i, j) is the picture's pixel `start + i * down + j * across`.
 * @typedef {{height: number, width: number, start: number, down: number, across: number}} Turn */

/** A picture as the network takes it, larger than it by what it is padded with.
 * @typedef {{height: number, width: number, data: Float32Array}} Batch (3, height, width) */

/** @param {number} height @param {number} width of a picture
 * @returns {Turn[]} as it is first */
export const turnsOf = (height, width) =>
  times(8, (k) => turnOf(height, width, k & 1, k & 2, k & 4));

/** @param {number} height @param {number} width of a picture
 * @param {unknown} mirrored whether left and right are exchanged, in the picture as it is
 * @param {unknown} flipped whether top and bottom are
 * @param {unknown} transposed whether its columns become rows
 * @returns {Turn} */
export function turnOf(height, width, mirrored, flipped, transposed) {
  const start = (mirrored ? width - 1 : 0) + (flipped ? (height - 1) * width : 0);
  const across = mirrored ? -1 : 1;
  const down = flipped ? -width : width;
  return transposed
    ? { height: width, width: height, start, down: across, across: down }
    : { height, width, start, down, across };
}

/** A turned picture, padded by reflection at the right and the bottom.
 *
 * @param {Float32Array} colours of the picture (h, w, channels), 0 to 1
 * @param {number} channels 1 or 3
 * @param {Turn} turn
 * @param {Contract} contract
 * @param {{height: number, width: number}} [least] sides to pad to
 * @returns {Batch} from -1 to 1
 */
export function batchOf(colours, channels, turn, { multiple, smallest }, least = turn) {
  const height = upTo(Math.max(turn.height, least.height, smallest), multiple);
  const width = upTo(Math.max(turn.width, least.width, smallest), multiple);
  const data = floats(3 * height * width);
  const columns = times(width, (j) => mirrored(j, turn.width));
  for (let c = 0, to = 0; c < 3; c++) {
    for (let i = 0; i < height; i++) {
      const row = turn.start + mirrored(i, turn.height) * turn.down;
      for (let j = 0; j < width; j++) {
        const from = (row + columns[j] * turn.across) * channels;
        data[to++] = colours[from + (c % channels)] * 2 - 1;
      }
    }
  }
  return { height, width, data };
}

/** Adds what was computed for a turned picture to a sum, turned back.
 *
 * @param {Float32Array} sum of the picture
 * @param {Float32Array} values of the turned one
 * @param {number} length of a row of the values, which may be wider
 * @param {Turn} turn
 */
export function addTurned(sum, values, length, { height, width, start, down, across }) {
  for (let i = 0; i < height; i++) {
    for (let j = 0, from = i * length, to = start + i * down; j < width; j++, to += across) {
      sum[to] += values[from++];
    }
  }
}

/** @param {number} place @param {number} count @returns {number} the place within the picture */
function mirrored(place, count) {
  // A single pixel is repeated.
  const folded = place % (2 * count - 2) || 0;
  return Math.min(folded, 2 * count - 2 - folded);
}
