// Which share of the network's change a place is given, by the blur that is measured there
// (src/unblur/inference/gate.py and change_mask.py).

import { cellsAt } from "./resample.js";
import { clip } from "./tiling.js";

/** @typedef {import("./resample.js").Cells} Cells */

/** What the network measures in each cell: length, cosine, sine, radius, confidence, weight.
 * @typedef {{height: number, width: number, data: Float32Array}} Planes (6, height, width) */

/** Side of the square cells, in pixels. */
export const CELL = 16;
/** Confidence from which a cell can be told. */
export const KNOWN = 0.5;
/** Extent of a blurred cell, in pixels. */
export const BLURRED = 3;

const [UNSURE, SURE] = [0.3, 0.7];
const [LITTLE, MUCH] = [0.12, 0.3];
const [CLEAR, CLEARER] = [12, 24];
const [QUIET, NOISY] = [4 / 255, 10 / 255];
const FEW = 0.02;
const [LOWER, UPPER] = [1 / 255, 2 / 255];

/** @param {Planes} planes @param {number} index @returns {Float32Array} one of them */
export function plane({ height, width, data }, index) {
  return data.subarray(index * height * width, (index + 1) * height * width);
}

/** @param {Planes} planes @returns {Float32Array} the extent of each cell's blur, in pixels: the
 *   length of the motion or the diameter of the defocus, the larger */
export function extent(planes) {
  const radius = plane(planes, 3);
  return plane(planes, 0).map((length, k) => Math.max(length, 2 * radius[k]));
}

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

/** The weights of what is sure and of what is not; they add up to the whole weight.
 *
 * @param {Planes} planes
 * @param {number} share of the photo that is blurred, 0 to 1
 * @returns {[Cells, Cells]}
 */
export function weights(planes, share) {
  const [confidence, weight] = [plane(planes, 4), plane(planes, 5)];
  const much = between(share, LITTLE, MUCH);
  const sure = extent(planes);
  const unsure = new Float32Array(sure.length);
  for (let k = 0; k < sure.length; k++) {
    const certain = between(confidence[k], UNSURE, SURE);
    const clear = betweenLengths(sure[k], CLEAR, CLEARER);
    sure[k] = weight[k] * certain * (much + (1 - much) * clear);
    unsure[k] = weight[k] * (1 - certain) * much;
  }
  const { height, width } = planes;
  return [{ height, width, data: sure }, { height, width, data: unsure }];
}

/** The share of the cells that can be told that are blurred; 1 if there are hardly any.
 *
 * @param {Planes} planes
 * @param {number} [height] of the part that counts, from the top, in cells
 * @param {number} [width] of the part that counts, from the left, in cells
 */
export function blurredShare(planes, height = planes.height, width = planes.width) {
  const [size, confidence] = [extent(planes), plane(planes, 4)];
  let known = 0;
  let blurred = 0;
  for (let i = 0; i < height; i++) {
    for (let j = 0, k = i * planes.width; j < width; j++, k++) {
      if (confidence[k] <= KNOWN) continue;
      known++;
      if (size[k] > BLURRED) blurred++;
    }
  }
  return known > FEW * height * width ? blurred / known : 1;
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
  const pairs = Math.floor(width / 2);
  const found = new Float32Array(Math.ceil((height - 1) / 8) * pairs);
  if (!found.length) return 0;
  let count = 0;
  // Every fourth pair of rows tells as much.
  for (let row = 0; row + 1 < height; row += 8) {
    for (let j = 0; j < pairs; j++) {
      let sum = 0;
      for (let c = 0, k = (row * width + 2 * j) * channels; c < channels; c++, k++) {
        const below = k + width * channels;
        sum += colours[below] - colours[k] - colours[below + channels] + colours[k + channels];
      }
      found[count++] = Math.abs(sum / channels / 2);
    }
  }
  found.sort();
  const median = (found[(count - 1) >> 1] + found[count >> 1]) / 2;
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
  const [rows, columns] = [Math.ceil(height / CELL), Math.ceil(width / CELL)];
  const energy = new Float64Array(rows * columns);
  for (let i = 0, k = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let c = 0; c < channels; c++, k++) sum += change[k] * change[k];
      energy[Math.floor(i / CELL) * columns + Math.floor(j / CELL)] += sum;
    }
  }
  for (let i = 0, k = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++, k++) {
      const area = Math.min(CELL, height - i * CELL) * Math.min(CELL, width - j * CELL);
      energy[k] /= area * channels;
    }
  }
  const level = around(energy, rows, columns, 1);
  const mask = Float32Array.from(level, (sum) => between(Math.sqrt(sum / 9), LOWER, UPPER));
  const [y, x] = [{ start: 0, stop: height }, { start: 0, stop: width }];
  return cellsAt({ height: rows, width: columns, data: mask }, y, x, CELL);
}

/** The sum over the square of cells around each, the outer ones repeated.
 *
 * @param {Float64Array} cells (height, width)
 * @param {number} height
 * @param {number} width
 * @param {number} reach cells on each side
 */
export function around(cells, height, width, reach) {
  const out = new Float64Array(cells.length);
  for (let i = 0, k = 0; i < height; i++) {
    for (let j = 0; j < width; j++, k++) {
      for (let y = i - reach; y <= i + reach; y++) {
        const row = Math.max(0, Math.min(height - 1, y)) * width;
        for (let x = j - reach; x <= j + reach; x++) {
          out[k] += cells[row + Math.max(0, Math.min(width - 1, x))];
        }
      }
    }
  }
  return out;
}
