// Resamples an image that is read part by part (src/unblur/inference/resample.py).

import { addRow, resampler, taps } from "./kernel.js";
import { clip, floats, rint } from "./numbers.js";
import { colourChannels, fullSize } from "./pixels.js";
import { lengthOf, whole } from "./tiling.js";
import { fillTransparent } from "./transparency.js";

/** @typedef {import("./tiling.js").Range} Range */
/** @typedef {import("./tiling.js").Strip} Strip */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./pixels.js").Source} Source */

const LOBES = 3;
/** The share of a pixel that is not fully transparent, from which its colour is known. */
const SEEN = 0.25;

/** A photo at a scale, by Lanczos's kernel if it is smaller; only what is read is computed.
 *
 * @param {Pixels} pixels
 * @param {number} scale 0 to 1; the sides are multiplied by it and rounded, at least 1
 * @returns {Source}
 */
export function reduced(pixels, scale) {
  if (scale === 1) return fullSize(pixels);
  const { height, width, channels, data } = pixels;
  const [rows, columns] = [height, width].map((side) => Math.max(1, rint(side * scale)));
  const colours = colourChannels(channels);
  const opaque = colours === channels;

  /** @param {Range} y @param {Range} x */
  function read(y, x) {
    const rowAt = resampler(
      lanczos(height, rows, y),
      lanczos(width, columns, x),
      channels,
      (sums, row, left, weight) => {
        const from = (row * width + left) * channels;
        (opaque ? addRow : addVisible)(sums, data, from, weight, channels);
      },
    );
    const out = floats(lengthOf(y) * lengthOf(x) * colours);
    const seen = floats(opaque ? 0 : out.length / colours);
    for (let i = 0, pixel = 0; i < lengthOf(y); i++) {
      const mean = rowAt(i);
      for (let from = 0; from < mean.length; from += channels, pixel++) {
        const share = opaque ? 255 : mean[from + colours];
        if (share <= 255 * SEEN) continue;
        if (!opaque) seen[pixel] = 1;
        for (let c = 0; c < colours; c++) out[pixel * colours + c] = mean[from + c] / share;
      }
    }
    fillTransparent(out, seen, lengthOf(y), lengthOf(x), colours);
    return out.map((value) => clip(value));
  }
  return { width: columns, height: rows, channels: colours, read };
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
  const down = lanczos(old.height, size.height);
  const length = old.width * old.channels;
  /** @type {Float32Array[]} by their place in the image */
  const rows = [];
  const across = lanczos(old.width, size.width);
  const rowAt = resampler(down, across, old.channels, (sums, row, _, weight) =>
    addRow(sums, rows[row], 0, weight),
  );
  let y = 0;
  for await (const [start, stop, data] of strips) {
    for (let k = start, from = 0; k < stop; k++, from += length) {
      rows[k] = data.subarray(from, from + length);
    }
    for (; down[y]?.first + down[0].weights.length <= stop; y++) take(y, rowAt(y));
    // Copies of the few that are needed again, so that the strip is not held.
    rows.forEach((one, k) => {
      if (k >= down[y]?.first) rows[k] = one.slice();
      else delete rows[k];
    });
  }
}

/** The taps of Lanczos's kernel.
 *
 * @param {number} old positions @param {number} size new positions @param {Range} [range] of these
 */
function lanczos(old, size, range = whole(size)) {
  return taps(old, range, old / size, LOBES, (x) =>
    Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0,
  );
}

/** @param {number} x */
const sinc = (x) => (x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1);

/** Adds weighted pixels, beside alpha 0 where nothing is seen and 255 where something is: so the
 * colours under full transparency count for nothing.
 *
 * @param {Float64Array} sums (pixels, channels) @param {ArrayLike<number>} data
 * @param {number} from the first of it @param {number} weight @param {number} channels
 */
function addVisible(sums, data, from, weight, channels) {
  const alpha = channels - 1;
  for (let k = 0; k < sums.length; k += channels) {
    if (!data[from + k + alpha]) continue;
    for (let c = 0; c < alpha; c++) sums[k + c] += data[from + k + c] * weight;
    sums[k + alpha] += 255 * weight;
  }
}
