// A pass over a photo at one scale, tile by tile (src/unblur/inference/passes.py).

import { cellsAt } from "./cells.js";
import * as gate from "./gate.js";
import { floats, times, upTo } from "./numbers.js";
import { CELL } from "./planes.js";
import { reduced } from "./resample.js";
import { lengthOf, runTiled, spans, whole } from "./tiling.js";
import { addTurned, batchOf, turnsOf } from "./turns.js";

/** @typedef {import("./tiling.js").Range} Range */
/** @typedef {import("./tiling.js").Strip} Strip */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./pixels.js").Source} Source */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./scales.js").ScaleMap} ScaleMap */

/** What the full effect adds to a photo, computed at one scale and weighted by its share.
 * @typedef {object} Pass
 * @property {number} scale
 * @property {Source} image the photo at this scale
 * @property {number} runs of the network; tiles in which the scale has no share are left out
 * @property {(begin: () => Promise<void>) => AsyncGenerator<Strip, void>} strips the changes at
 *   this scale, (rows, width, colours), full scale = 1, from top to bottom; `begin` is called
 *   before each run of the network
 */

/** @param {Network} network @param {Pixels} pixels @param {number} scale @param {ScaleMap} scales
 * @param {number} tile largest side given to the network at once, in pixels
 * @param {boolean} best whether to average over the eight turns and flips
 * @returns {Pass}
 * @throws {RangeError} for a tile that is too small
 */
export function passOf(network, pixels, scale, scales, tile, best) {
  const image = reduced(pixels, scale);
  const { channels } = image;
  const { contract } = network;
  // A small tile is better with less overlap than refused.
  const overlap = Math.min(contract.overlap, Math.floor(tile / 4));
  // The mask's cells and the network's strides have the same grid in every tile.
  const grid = upTo(contract.multiple, CELL);
  const rows = spans(image.height, tile, overlap, grid);
  const columns = spans(image.width, tile, overlap, grid);
  // The last tiles may be a little shorter: padded to the size of the first, all have one shape.
  // Turned ones are padded as little as possible.
  const least = best ? undefined : { height: rows[0][1], width: columns[0][1] };
  // A picture that is one tile tells by itself how much of it is blurred.
  const blurred = rows.length * columns.length > 1 ? scales.blurredShare : null;

  /** @param {Range} y @param {Range} x @returns {Float32Array | null} null: none at all */
  function shareAt(y, x) {
    const share = scales.at(scale, y, x);
    return share.some(Boolean) ? share : null;
  }

  /** @param {Range} y @param {Range} x @param {() => Promise<void>} begin */
  async function change(y, x, begin) {
    const share = shareAt(y, x);
    if (!share) return null;
    const height = lengthOf(y);
    const width = lengthOf(x);
    const colours = image.read(y, x);
    const turns = turnsOf(height, width).slice(0, best ? 8 : 1);
    const sums = times(5, () => floats(height * width));
    for (const turn of turns) {
      const batch = batchOf(colours, channels, turn, contract, least);
      await begin();
      addRestored(sums, turn, batch.width, await network.run(batch), blurred);
    }
    const found = changeOf(sums, colours, channels, turns.length);
    if (contract.gated) multiply(found, gate.changeMask(found, height, width, channels), channels);
    if (contract.gated && contract.measures_blur) {
      // Where there is no texture to tell by, or noise, the picture seen from afar decides.
      const noise = gate.noisy(colours, height, width, channels);
      const plain = scales.blurredAt(scale, y, x, 0);
      const suspect = noise ? scales.blurredAt(scale, y, x, noise) : plain;
      const weight = sums[3].map((sure, k) =>
        Math.max((sure + sums[4][k] * plain[k]) / turns.length, noise * suspect[k]),
      );
      multiply(found, weight, channels);
    }
    multiply(found, share, channels);
    return found;
  }

  return {
    scale,
    image,
    runs: rows.flatMap((y) => columns.filter((x) => shareAt(y, x))).length * (best ? 8 : 1),
    strips: (begin) => runTiled((y, x) => change(y, x, begin), image, tile, overlap, grid),
  };
}

/** Adds what the network made of a turned picture, turned back.
 *
 * @param {Float32Array[]} sums (height, width) of the picture: of the three restored colours, -1 to
 *   1, and of `gate.weights`
 * @param {import("./turns.js").Turn} turn
 * @param {number} length of a row of the restored picture
 * @param {Awaited<ReturnType<Network["run"]>>} made
 * @param {number | null} blurred the share of the photo that is; null: as the picture says
 */
function addRestored(sums, turn, length, { restored, blur }, blurred) {
  const size = restored.length / 3;
  for (let c = 0; c < 3; c++) addTurned(sums[c], restored.subarray(c * size), length, turn);
  if (!blur) return;
  const { height, width } = turn;
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / CELL));
  gate.weights(blur, blurred ?? gate.blurredShare(blur, rows, columns)).forEach((data, index) => {
    const values = cellsAt({ ...blur, data }, whole(height), whole(width), CELL);
    addTurned(sums[3 + index], values, width, turn);
  });
}

/** What the restored pictures, in sum, add to the colours (pixels, channels).
 *
 * @param {Float32Array[]} sums @param {Float32Array} colours @param {number} channels
 * @param {number} count of the pictures
 */
function changeOf(sums, colours, channels, count) {
  const change = floats(colours.length);
  for (let c = 0; c < 3; c++) {
    const sum = sums[c];
    for (let pixel = 0, k = c % channels; pixel < sum.length; pixel++, k += channels) {
      const added = sum[pixel] / count / 2 + 0.5 - colours[k];
      change[k] += channels === 1 ? added / 3 : added;
    }
  }
  return change;
}

/** @param {Float32Array} values (pixels, channels); changed @param {Float32Array} by (pixels)
 * @param {number} channels */
function multiply(values, by, channels) {
  for (let k = 0, pixel = 0; pixel < by.length; pixel++) {
    for (let c = 0; c < channels; c++) values[k++] *= by[pixel];
  }
}
