// Measures the blur of an image of any size, at several scales (src/unblur/inference/measure.py).

import { cellsAt } from "./cells.js";
import { between } from "./gate.js";
import { floats } from "./numbers.js";
import { CELL, PLANES } from "./planes.js";
import { reduced } from "./resample.js";
import { lengthOf, runTiled, whole } from "./tiling.js";
import { batchOf, turnsOf } from "./turns.js";

/** @typedef {import("./gate.js").Planes} Planes */
/** @typedef {import("./tiling.js").Range} Range */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./pixels.js").Source} Source */
/** @typedef {import("./network.js").Network} Network */

const STEP = 2;
const SMALLEST = 96;
const LONG = 20;
const LONGER = 36;

/** What the network measures in a photo, lengths and radii in pixels of its full size: at a scale
 * and at a half of it, a quarter, ..., as long as it has pixels; where the motion is long, or only
 * the smaller scale is sure, that counts.
 *
 * @param {Network} network one that measures blur
 * @param {Pixels} pixels
 * @param {number} scale 0 to 1
 * @param {number} tile largest side given to the network at once, in pixels
 * @param {() => Promise<void>} begin called before each run of the network
 * @returns {Promise<Planes>} of cells of `CELL / scale` pixels
 */
export async function measure(network, pixels, scale, tile, begin) {
  const image = reduced(pixels, scale);
  const planes = await inTiles(network, image, tile, begin);
  const { height, width, data } = planes;
  // The length and the radius, which are the first and the fourth of the six.
  for (let k = 0; k < data.length; k += 3) data[k] /= scale;
  if (Math.min(image.height, image.width) < STEP * SMALLEST) return planes;
  const coarse = await measure(network, pixels, scale / STEP, tile, begin);
  const others = cellsAt(coarse, whole(height), whole(width), STEP, PLANES);
  for (let k = 0; k < data.length; k += PLANES) {
    const [length, , , radius, confidence] = others.subarray(k, k + PLANES);
    const long = between(Math.max(length, 4 * radius) * scale, LONG, LONGER);
    const surer = between(2 * (confidence - data[k + 4]), 0, 1);
    const share = Math.max(surer, confidence > 0.5 ? long : 0);
    // Whether a little blur is worth a change, the last, is measured at the larger scale alone.
    for (let at = k; at < k + PLANES - 1; at++) {
      data[at] = data[at] * (1 - share) + others[at] * share;
    }
  }
  return planes;
}

/** What the network measures in an image at its own scale alone.
 *
 * @param {Network} network @param {Source} image @param {number} tile
 * @param {() => Promise<void>} begin
 * @returns {Promise<Planes>}
 */
async function inTiles(network, image, tile, begin) {
  const height = Math.ceil(image.height / CELL);
  const width = Math.ceil(image.width / CELL);
  const data = floats(height * width * PLANES);
  const overlap = Math.floor(Math.min(network.contract.overlap, tile / 4) / CELL);
  const shape = { height, width, channels: PLANES };
  /** @param {Range} y @param {Range} x in cells */
  function measured(y, x) {
    /** @type {(range: Range, side: number) => Range} */
    const pixels = ([start, stop], side) => [start * CELL, Math.min(stop * CELL, side)];
    return measurePart(network, image, pixels(y, image.height), pixels(x, image.width), begin);
  }
  const strips = runTiled(measured, shape, Math.floor(tile / CELL), overlap, 1);
  for await (const [start, , strip] of strips) data.set(strip, start * width * PLANES);
  return { height, width, data };
}

/** What the network measures in a part of an image, which begins with a cell.
 *
 * @param {Network} network one that measures blur
 * @param {Source} image
 * @param {Range} y
 * @param {Range} x
 * @param {() => Promise<void>} begin called before the network's run
 * @returns {Promise<Float32Array>} (rows, columns, `PLANES`) of cells
 */
export async function measurePart(network, image, y, x, begin) {
  const [turn] = turnsOf(lengthOf(y), lengthOf(x));
  const batch = batchOf(image.read(y, x), image.channels, turn, network.contract);
  await begin();
  const found = (await network.run(batch)).blur;
  const length = Math.ceil(turn.width / CELL) * PLANES;
  const part = floats(Math.ceil(turn.height / CELL) * length);
  for (let to = 0, from = 0; found && to < part.length; to += length) {
    part.set(found.data.subarray(from, from + length), to);
    from += found.width * PLANES;
  }
  return part;
}
