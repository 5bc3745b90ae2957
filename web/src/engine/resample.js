// Resamples an image that is read part by part (src/unblur/inference/resample.py).

import { colourChannels } from "./pixels.js";
import { clip, lengthOf, rint, whole } from "./tiling.js";
import { fillTransparent } from "./transparency.js";

/** @typedef {import("./tiling.js").Range} Range */
/** @typedef {import("./tiling.js").Strip} Strip */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./pixels.js").Source} Source */

/** Lanczos's kernel at each new position: `taps` weights, of the old positions from `first` on.
 * @typedef {{taps: number, first: Int32Array, weights: Float32Array}} Kernel */

const LOBES = 3;
/** The share of a pixel that is not fully transparent, from which its colour is known. */
const SEEN = 0.25;

/** A photo at a smaller scale, by Lanczos's kernel; only what is read is computed.
 *
 * @param {Pixels} pixels
 * @param {number} scale 0 to 1; the sides are multiplied by it and rounded, at least 1
 * @returns {Source}
 */
export function reduced(pixels, scale) {
  const height = Math.max(1, rint(pixels.height * scale));
  const width = Math.max(1, rint(pixels.width * scale));
  const down = kernel(pixels.height, height);
  const across = kernel(pixels.width, width);
  const { channels } = pixels;
  const colours = colourChannels(channels);

  /** @param {Range} y @param {Range} x */
  function read(y, x) {
    const rows = lengthOf(y);
    const columns = lengthOf(x);
    const left = across.first[x.start];
    const right = across.first[x.stop - 1] + across.taps;
    const sums = new Float64Array((right - left) * channels);
    const mean = new Float64Array(columns * channels);
    const out = new Float32Array(rows * columns * colours);
    const seen = new Float32Array(colours < channels ? rows * columns : 0);
    for (let i = 0, pixel = 0; i < rows; i++) {
      sums.fill(0);
      combine(down, y.start + i, (row, weight) => {
        const start = row * pixels.width;
        addVisible(sums, pixels, start + left, start + right, weight);
      });
      along(sums, across, x, left, channels, mean);
      for (let j = 0; j < columns; j++, pixel++) {
        const share = colours < channels ? mean[j * channels + colours] : 255;
        if (share <= 255 * SEEN) continue;
        if (colours < channels) seen[pixel] = 1;
        for (let c = 0; c < colours; c++) {
          out[pixel * colours + c] = mean[j * channels + c] / share;
        }
      }
    }
    fillTransparent(out, seen, rows, columns, colours);
    return out.map(clip);
  }
  return { width, height, channels: colours, read };
}

/** Resizes an image that comes in strips, row by row.
 *
 * @param {AsyncIterable<Strip>} strips of all of its rows, from top to bottom
 * @param {{height: number, width: number, channels: number}} old the image
 * @param {{height: number, width: number}} size of the result
 * @param {(y: number, row: Float64Array) => void} take is given each row (width, channels) of the
 *   result, which is good until it returns
 */
export async function enlarge(strips, old, size, take) {
  const down = kernel(old.height, size.height);
  const across = kernel(old.width, size.width);
  const length = old.width * old.channels;
  const sums = new Float64Array(length);
  const row = new Float64Array(size.width * old.channels);
  /** @type {Float32Array[]} by their place in the image */
  const rows = [];
  let y = 0;
  for await (const { start, stop, data } of strips) {
    for (let k = start, from = 0; k < stop; k++, from += length) {
      rows[k] = data.subarray(from, from + length);
    }
    for (; y < size.height && down.first[y] + down.taps <= stop; y++) {
      sums.fill(0);
      combine(down, y, (from, weight) => {
        const one = rows[from];
        for (let k = 0; k < length; k++) sums[k] += one[k] * weight;
      });
      along(sums, across, whole(size.width), 0, old.channels, row);
      take(y, row);
    }
    // Copies of the few that are needed again, so that the strip is not held.
    rows.forEach((one, k) => {
      if (k >= down.first[y]) rows[k] = one.slice();
      else delete rows[k];
    });
  }
}

/** @param {number} old positions @param {number} size new positions @returns {Kernel} */
function kernel(old, size) {
  const ratio = old / size;
  const stretch = Math.max(1, ratio);
  const taps = Math.min(old, Math.floor(2 * LOBES * stretch) + 1);
  const first = new Int32Array(size);
  const weights = new Float32Array(size * taps);
  for (let k = 0; k < size; k++) {
    const centre = (k + 0.5) * ratio - 0.5;
    first[k] = Math.max(0, Math.min(old - taps, Math.ceil(centre - LOBES * stretch)));
    const values = Float64Array.from({ length: taps }, (_, t) =>
      lanczos((first[k] + t - centre) / stretch),
    );
    const sum = values.reduce((total, value) => total + value);
    weights.set(values.map((value) => value / sum), k * taps);
  }
  return { taps, first, weights };
}

/** Calls a function with each old position that a new one depends on, and its weight.
 *
 * @param {Kernel} by @param {number} place @param {(from: number, weight: number) => void} add
 */
function combine({ taps, first, weights }, place, add) {
  for (let t = 0; t < taps; t++) add(first[place] + t, weights[place * taps + t]);
}

/** @param {number} distance */
function lanczos(distance) {
  return Math.abs(distance) < LOBES ? sinc(distance) * sinc(distance / LOBES) : 0;
}

/** @param {number} x */
const sinc = (x) => (x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1);

/** Adds weighted pixels, beside alpha 0 where nothing is seen and 255 where something is: so the
 * colours under full transparency count for nothing.
 *
 * @param {Float64Array} sums (stop - start, channels) @param {Pixels} pixels
 * @param {number} start @param {number} stop @param {number} weight
 */
function addVisible(sums, { channels, data }, start, stop, weight) {
  const from = start * channels;
  if (channels % 2) {
    for (let k = 0; k < sums.length; k++) sums[k] += data[from + k] * weight;
    return;
  }
  for (let pixel = start, k = 0; pixel < stop; pixel++, k += channels) {
    if (!data[pixel * channels + channels - 1]) continue;
    for (let c = 0; c < channels - 1; c++) sums[k + c] += data[pixel * channels + c] * weight;
    sums[k + channels - 1] += 255 * weight;
  }
}

/** Resamples a row.
 *
 * @param {Float64Array} row from old position `left` on @param {Kernel} by @param {Range} x
 * @param {number} left @param {number} channels @param {Float64Array} out
 */
function along(row, { taps, first, weights }, x, left, channels, out) {
  for (let j = x.start, to = 0; j < x.stop; j++) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let t = 0, k = j * taps, at = (first[j] - left) * channels + c; t < taps; t++, k++) {
        sum += weights[k] * row[at];
        at += channels;
      }
      out[to++] = sum;
    }
  }
}
