// Pixels in, what the network adds to them out, of any size, in tiles
// (src/unblur/inference/deblurrer.py and blend.py).

import { sum } from "./numbers.js";
import { passOf } from "./passes.js";
import { colourChannels } from "./pixels.js";
import { enlarge } from "./resample.js";
import { chooseScales, oneScale } from "./scales.js";

/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./network.js").Network} Network */

/**
 * @typedef {object} Deblurred
 * @property {Int16Array} change what the full effect adds to the colours, (height, width, colours),
 *   in `UNITS` of a level
 * @property {Map<number, number>} scales the share of the photo, 0 to 1, at each scale
 * @property {boolean} unchanged whether the full effect leaves every pixel as it is
 */

/** Parts of a level of 8 bits in which changes are held, within the range of 16 bits. Odd, so that
 * a rounded change is never half a level: the full effect is rounded as if it were not held so. */
const UNITS = 127;
const LARGEST = 32767;

/** What deblurring changes in a photo. Beside the result, a row of tiles is held at most.
 *
 * @param {Network} network
 * @param {Pixels} pixels
 * @param {object} [options]
 * @param {"auto" | number} [options.scale] at which the network works, 1/16 to 1; "auto" chooses it
 *   place by place by the length of the blur
 * @param {boolean} [options.best] whether to average over the eight turns and flips
 * @param {number} [options.tile] largest side given to the network at once, in pixels; by default
 *   the network's own
 * @param {(begun: number, total: number) => void} [options.report] called before each run of the
 *   network with the runs begun and their total; with 0, 0 while the scales are chosen
 * @param {AbortSignal} [options.signal] ends the work before the next run
 * @returns {Promise<Deblurred>}
 * @throws the signal's reason, if it is aborted
 */
export async function deblur(network, pixels, options = {}) {
  const { scale = "auto", best = false, tile = network.contract.tile, signal } = options;
  let [begun, total] = [0, 0];
  const begin = async () => {
    // Else no message, that the work is cancelled for example, would come through between runs.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    options.report?.(total ? begun++ : 0, total);
  };
  const scales =
    scale === "auto"
      ? await chooseScales(network, pixels, tile, begin)
      : oneScale(scale);
  const passes = Array.from(scales.weights.keys(), (one) =>
    passOf(network, pixels, one, scales, tile, best),
  );
  total = sum(passes.map((pass) => pass.runs));
  const change = new Int16Array(pixels.height * pixels.width * colourChannels(pixels.channels));
  // One after the other, so that a row of tiles of one pass is held.
  for (const pass of passes) await addTo(change, pass, pixels, begin);
  const unchanged = change.every((value) => Math.abs(value) <= UNITS / 2);
  /** @type {Map<number, number>} */
  const shares = new Map();
  scales.weights.forEach(({ data }, one) => shares.set(one, sum(data) / data.length));
  return { change, scales: shares, unchanged };
}

/** Adds a change to the pixels that it was computed from.
 *
 * @param {Pixels} pixels
 * @param {Int16Array} change
 * @param {number} strength 0 returns the input, 1 the full effect
 * @returns {Pixels} the same to the bit where the change is 0, and where a pixel is transparent
 */
export function blend({ width, height, channels, data }, change, strength) {
  const colours = colourChannels(channels);
  // Rounds halves to even numbers, and clips.
  const out = new Uint8ClampedArray(data);
  for (let from = 0, k = 0; from < data.length; from += channels) {
    if (colours < channels && !data[from + colours]) {
      k += colours;
      continue;
    }
    for (let c = 0; c < colours; c++) out[from + c] += (strength * change[k++]) / UNITS;
  }
  return { width, height, channels, data: out };
}

/** Adds a pass's changes, at the full size.
 *
 * @param {Int16Array} change @param {import("./passes.js").Pass} pass @param {Pixels} pixels
 * @param {() => Promise<void>} begin
 */
async function addTo(change, pass, pixels, begin) {
  const length = pixels.width * pass.image.channels;
  /** @param {number} row @param {ArrayLike<number>} values */
  const add = (row, values) => {
    for (let k = 0, to = row * length; k < values.length; k++, to++) {
      // Enlarged by Lanczos's kernel, a change may exceed the range.
      const sum = change[to] + Math.round(values[k] * 255 * UNITS);
      change[to] = Math.max(-LARGEST, Math.min(LARGEST, sum));
    }
  };
  if (pass.scale < 1) return enlarge(pass.strips(begin), pass.image, pixels, add);
  for await (const [start, , data] of pass.strips(begin)) add(start, data);
}
