// Resampling by any kernel, first down and then across (`Kernel` of resample.py).

import { clip, sum, times } from "./numbers.js";

/** @typedef {import("./tiling.js").Range} Range */

/** Of a new position: the old ones that it is made of, from `first` on, and their weights.
 * @typedef {{first: number, weights: Float64Array}} Taps */

/** The taps of new positions along a side. Weights add up to 1; beyond the sides, there is nothing.
 *
 * @param {number} old positions
 * @param {Range} range of the new positions
 * @param {number} ratio of a new position's size to an old one's; a kernel is stretched by it
 *   where it is larger than 1
 * @param {number} reach distance from which the kernel is 0
 * @param {(distance: number) => number} kernel
 * @returns {Taps[]}
 */
export function taps(old, [start, stop], ratio, reach, kernel) {
  const stretch = Math.max(1, ratio);
  const length = Math.min(old, Math.ceil(2 * reach * stretch));
  return times(stop - start, (k) => {
    const centre = (start + k + 0.5) * ratio - 0.5;
    const first = clip(Math.ceil(centre - reach * stretch), old - length);
    const values = times(length, (t) => kernel((first + t - centre) / stretch));
    const whole = sum(values);
    return { first, weights: Float64Array.from(values, (value) => value / whole) };
  });
}

/** Resamples an image row by row.
 *
 * @param {Taps[]} down
 * @param {Taps[]} across
 * @param {number} channels
 * @param {(sums: Float64Array, row: number, left: number, weight: number) => void} add adds an old
 *   row's values, from the old column `left` on, to the sums
 * @returns {(y: number) => Float64Array} makes a new row (columns, channels), good until the next
 */
export function resampler(down, across, channels, add) {
  const left = across[0].first;
  const last = across[across.length - 1];
  const sums = new Float64Array((last.first + last.weights.length - left) * channels);
  const out = new Float64Array(across.length * channels);
  return (y) => {
    sums.fill(0);
    down[y].weights.forEach((weight, t) => add(sums, down[y].first + t, left, weight));
    let to = 0;
    for (const { first, weights } of across) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let at = (first - left) * channels + c;
        for (let t = 0; t < weights.length; t++, at += channels) sum += weights[t] * sums[at];
        out[to++] = sum;
      }
    }
    return out;
  };
}

/** Adds values times a weight to as many sums.
 *
 * @param {Float64Array} sums @param {ArrayLike<number>} data @param {number} from the first of them
 * @param {number} weight
 */
export function addRow(sums, data, from, weight) {
  for (let k = 0; k < sums.length; k++) sums[k] += data[from + k] * weight;
}
