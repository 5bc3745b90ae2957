// Measures the blur of an image of any size, at several scales (src/unblur/inference/measure.py).

import { CELL, between, plane } from "./gate.js";
import { fullSize } from "./pixels.js";
import { cellsAt, reduced } from "./resample.js";
import { runTiled } from "./tiling.js";
import { batchOf, turnsOf } from "./turns.js";

/** @typedef {import("./gate.js").Planes} Planes */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./pixels.js").Source} Source */
/** @typedef {import("./network.js").Network} Network */

export const PLANES = 6;
const STEP = 2;
const SMALLEST = 96;
const [LONG, LONGER] = [20, 36];

/** What the network measures in a photo, lengths and radii in pixels of its full size: at a scale
 * and at a half of it, a quarter, ..., as long as it has pixels; where the motion is long, or only
 * the smaller scale is sure, that counts.
 *
 * @param {Network} network
 * @param {Pixels} pixels
 * @param {number} scale 0 to 1
 * @param {number} tile largest side given to the network at once, in pixels
 * @param {() => Promise<void>} begin called before each run of the network
 * @returns {Promise<Planes>} of cells of `CELL / scale` pixels
 */
export async function measure(network, pixels, scale, tile, begin) {
  const image = scale === 1 ? fullSize(pixels) : reduced(pixels, scale);
  const planes = await inTiles(network, image, tile, begin);
  for (const index of [0, 3]) {
    const values = plane(planes, index);
    for (let k = 0; k < values.length; k++) values[k] /= scale;
  }
  if (Math.min(image.height, image.width) < STEP * SMALLEST) return planes;
  const coarse = await measure(network, pixels, scale / STEP, tile, begin);
  const y = { start: 0, stop: planes.height };
  const x = { start: 0, stop: planes.width };
  const others = Array.from({ length: PLANES }, (_, index) =>
    cellsAt({ ...coarse, data: plane(coarse, index) }, y, x, STEP),
  );
  const count = planes.height * planes.width;
  for (let k = 0; k < count; k++) {
    const extent = Math.max(others[0][k], 4 * others[3][k]) * scale;
    const confidence = others[4][k];
    const surer = between(2 * (confidence - planes.data[4 * count + k]), 0, 1);
    const share = Math.max(surer, confidence > 0.5 ? between(extent, LONG, LONGER) : 0);
    // Whether a little blur is worth a change is measured at the larger scale alone.
    for (let index = 0; index < PLANES - 1; index++) {
      const at = index * count + k;
      planes.data[at] = planes.data[at] * (1 - share) + others[index][k] * share;
    }
  }
  return planes;
}

/** What the network measures in an image at its own scale alone.
 *
 * @param {Network} network
 * @param {Source} image
 * @param {number} tile
 * @param {() => Promise<void>} begin
 * @returns {Promise<Planes>}
 */
export async function inTiles(network, image, tile, begin) {
  const { contract } = network;
  const height = Math.ceil(image.height / CELL);
  const width = Math.ceil(image.width / CELL);
  const data = new Float32Array(PLANES * height * width);
  const overlap = Math.floor(Math.min(contract.overlap, Math.floor(tile / 4)) / CELL);
  const shape = { height, width, channels: PLANES };

  /** @param {import("./tiling.js").Range} y @param {import("./tiling.js").Range} x in cells */
  async function measured(y, x) {
    const rows = { start: y.start * CELL, stop: Math.min(y.stop * CELL, image.height) };
    const columns = { start: x.start * CELL, stop: Math.min(x.stop * CELL, image.width) };
    const [turn] = turnsOf(rows.stop - rows.start, columns.stop - columns.start);
    const colours = image.read(rows, columns);
    const batch = batchOf(colours, image.channels, turn, contract, { height: 1, width: 1 });
    await begin();
    const found = await network.measure(batch);
    const [down, across] = [y.stop - y.start, x.stop - x.start];
    const part = new Float32Array(down * across * PLANES);
    for (let i = 0, to = 0; i < down; i++) {
      for (let j = 0; j < across; j++) {
        for (let index = 0; index < PLANES; index++) {
          part[to++] = plane(found, index)[i * found.width + j];
        }
      }
    }
    return part;
  }

  for await (const strip of runTiled(measured, shape, Math.floor(tile / CELL), overlap, 1)) {
    for (let k = 0; k < strip.data.length; k++) {
      const cell = strip.start * width + Math.floor(k / PLANES);
      data[(k % PLANES) * height * width + cell] = strip.data[k];
    }
  }
  return { height, width, data };
}
