// Which share of the network's change a place is given, by the blur that is measured there
// (src/unblur/inference/gate.py and change_mask.py).

import { around, cellsAt } from "./cells.js";
import { clip, times } from "./numbers.js";
import { CELL, PLANES } from "./planes.js";
import { whole } from "./tiling.js";

/** What the network measures in each cell.
 * @typedef {import("./cells.js").Cells} Planes (height, width, `PLANES`) */

const UNSURE = 0.3;
const SURE = 0.7;
const KNOWN = 0.5;
const BLURRED = 3;
const LITTLE = 0.12;
const MUCH = 0.3;
const CLEAR = 12;
const CLEARER = 24;
const QUIET = 4 / 255;
const NOISY = 10 / 255;
const FEW = 0.02;
const LOWER = 1 / 255;
const UPPER = 2 / 255;

/** What is used of the planes, cell by cell: the length; the extent, which is the length of the
 * motion or the diameter of the defocus, the larger, in pixels; the confidence; the weight.
 *
 * @param {Planes} planes
 */
export const cellsOf = ({ data }) =>
  times(data.length / PLANES, (k) => {
    const [length, , , radius, confidence, weight] = data.subarray(k * PLANES, (k + 1) * PLANES);
    return [length, Math.max(length, 2 * radius), confidence, weight];
  });

/** How far a value has come from one number to another, 0 to 1.
 *
 * @param {number} value @param {number} from @param {number} to
 */
export const between = (value, from, to) => clip((value - from) / (to - from));

/** The same by the ratio of lengths, those below 1 pixel as 1.
 *
 * @param {number} value @param {number} from @param {number} to
 */
export const betweenLengths = (value, from, to) =>
  between(Math.log2(Math.max(value, 1)), Math.log2(from), Math.log2(to));

/** The weights of what is sure and of what is not, cell by cell; they add up to the whole weight.
 *
 * @param {Planes} planes
 * @param {number} share of the photo that is blurred, 0 to 1
 * @returns {Float32Array[]} two
 */
export function weights(planes, share) {
  const much = between(share, LITTLE, MUCH);
  const pairs = cellsOf(planes).map(([, extent, confidence, weight]) => {
    const sure = between(confidence, UNSURE, SURE);
    const clear = betweenLengths(extent, CLEAR, CLEARER);
    return [weight * sure * (much + (1 - much) * clear), weight * (1 - sure) * much];
  });
  return [0, 1].map((index) => Float32Array.from(pairs, (pair) => pair[index]));
}

/** The share of the cells that can be told that are blurred; 1 if there are hardly any.
 *
 * @param {Planes} planes
 * @param {number} [height] of the part that counts, from the top, in cells
 * @param {number} [width] of the part that counts, from the left, in cells
 */
export function blurredShare(planes, height = planes.height, width = planes.width) {
  const known = cellsOf(planes).filter(
    ([, , confidence], k) =>
      confidence > KNOWN && k < height * planes.width && k % planes.width < width,
  );
  if (known.length <= FEW * height * width) return 1;
  return known.filter(([, extent]) => extent > BLURRED).length / known.length;
}

/** How far noise hides the blur of a picture, 0 to 1, by the median of its finest diagonal
 * differences (Donoho and Johnstone 1994).
 *
 * @param {Float32Array} colours (height, width, channels), 0 to 1
 * @param {number} height
 * @param {number} width
 * @param {number} channels
 */
export function noisy(colours, height, width, channels) {
  const found = [];
  // Every fourth pair of rows tells as much.
  for (let row = 0; row + 1 < height; row += 8) {
    for (let x = 0; x + 1 < width; x += 2) {
      let sum = 0;
      for (let c = 0, k = (row * width + x) * channels; c < channels; c++, k++) {
        const below = k + width * channels;
        sum += colours[below] - colours[k] - colours[below + channels] + colours[k + channels];
      }
      found.push(Math.abs(sum / channels / 2));
    }
  }
  if (!found.length) return 0;
  const sorted = Float32Array.from(found).sort();
  const median = (sorted[(found.length - 1) >> 1] + sorted[found.length >> 1]) / 2;
  return between((median / 0.6745) * Math.sqrt(channels), QUIET, NOISY);
}

/** The change mask: the share of a change to apply at each pixel, exactly 0 where it is invisible.
 *
 * @param {Float32Array} change (height, width, channels), full scale = 1
 * @param {number} height
 * @param {number} width
 * @param {number} channels
 * @returns {Float32Array} (height, width)
 */
export function changeMask(change, height, width, channels) {
  const rows = Math.ceil(height / CELL);
  const columns = Math.ceil(width / CELL);
  const energy = new Float64Array(rows * columns);
  const count = new Uint32Array(rows * columns);
  for (let i = 0, k = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const cell = Math.floor(i / CELL) * columns + Math.floor(j / CELL);
      count[cell] += channels;
      for (let c = 0; c < channels; c++) energy[cell] += change[k++] ** 2;
    }
  }
  const means = energy.map((sum, cell) => sum / count[cell]);
  const data = Float32Array.from(around(means, rows, columns, 1), (sum) =>
    between(Math.sqrt(sum / 9), LOWER, UPPER),
  );
  return cellsAt({ height: rows, width: columns, data }, whole(height), whole(width), CELL);
}
