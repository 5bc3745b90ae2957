// Looks at a photo from afar: where it is blurred, and at which scale to deblur each place
// (src/unblur/inference/scales.py).

import { around, cellsAt } from "./cells.js";
import { betweenLengths, blurredShare, cellsOf } from "./gate.js";
import { measure, measurePart } from "./measure.js";
import { clip, rint, sum, times } from "./numbers.js";
import { fullSize } from "./pixels.js";
import { CELL, PLANES } from "./planes.js";

/** @typedef {import("./cells.js").Cells} Cells */
/** @typedef {import("./tiling.js").Range} Range */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./network.js").Network} Network */

/** Scale at which long motion is looked for. */
const OVERVIEW = 0.25;
/** Scales, and the length of the motion, in pixels, for which each is best. */
const LENGTHS = [
  [1, 42],
  [2 / 3, 58],
  [1 / 2, 84],
  [1 / 3, 122],
  [1 / 4, 165],
  [1 / 6, 245],
  [1 / 8, 330],
];
/** Least side of a picture that the network makes something of, in pixels. */
const LEAST = 64;
const AROUND = 2;
/** Extents up to which a place looks sharp from afar, and from which it looks blurred. */
const SHARP = 4;
const BLURRED = 8;
/** Twice as large as the same for a noisy picture. */
const SUSPECT = 2;
const SAMPLE = 320;
const MANY = 2 ** 22;
const LITTLE = 0.02;

/** The share that each scale has in a result, place by place; they add up to 1.
 *
 * @typedef {object} ScaleMap
 * @property {Map<number, Cells>} weights of each scale, the largest first
 * @property {Cells} seen the extent of the blur as seen from afar, in pixels; without end if that
 *   was not looked at
 * @property {number} blurredShare share of the photo that is blurred, by samples at full size
 * @property {(scale: number, y: Range, x: Range) => Float32Array} at a scale's share at pixels of
 *   the image at this scale, (rows, columns)
 * @property {(scale: number, y: Range, x: Range, noisy: number) => Float32Array} blurredAt whether
 *   pixels look blurred from afar, 0 to 1, as `at`; noisy, 0 to 1: whether blur counts that is
 *   smaller
 */

/** @param {number} scale the same everywhere @returns {ScaleMap} */
export const oneScale = (scale) => mapOf(new Map([[scale, everywhere(1)]]), Infinity);

/** @param {ScaleMap["weights"]} weights
 * @param {number} cell side of a cell, in pixels of the full size
 * @returns {ScaleMap} */
function mapOf(weights, cell, seen = everywhere(Infinity), blurredShare = 1) {
  return {
    weights,
    seen,
    blurredShare,
    at: (scale, y, x) => cellsAt(/** @type {Cells} */ (weights.get(scale)), y, x, cell * scale),
    blurredAt(scale, y, x, noisy) {
      const data = seen.data.map((size) => {
        const plain = betweenLengths(size, SHARP, BLURRED);
        return plain + noisy * (betweenLengths(SUSPECT * size, SHARP, BLURRED) - plain);
      });
      return cellsAt({ ...seen, data }, y, x, cell * scale);
    },
  };
}

/** The scales for a photo, from the blur measured at `OVERVIEW` times its size.
 *
 * @param {Network} network
 * @param {Pixels} pixels
 * @param {number} tile
 * @param {() => Promise<void>} begin called before each run of the network
 * @returns {Promise<ScaleMap>}
 */
export async function chooseScales(network, pixels, tile, begin) {
  const side = Math.min(pixels.height, pixels.width);
  if (!network.contract.measures_blur || side * OVERVIEW < LEAST) return oneScale(1);
  const planes = await measure(network, pixels, OVERVIEW, tile, begin);
  const { height, width } = planes;
  const cells = cellsOf(planes);
  const [lengths, seen] = [0, 1].map((index) =>
    smooth(cells.map((cell) => [cell[index], cell[2]]), height, width),
  );
  const nodes = LENGTHS.filter(([scale]) => scale === 1 || side * scale >= LEAST);
  const shares = nodes.map((_, index) => lengths.map((length) => hat(length, nodes, index)));
  const kept = shares.filter((share) => share.some((value) => value > LITTLE));
  const weights = new Map(
    kept.map((share) => {
      const data = share.map((value, k) => value / sum(kept.map((one) => one[k])));
      return [nodes[shares.indexOf(share)][0], { height, width, data }];
    }),
  );
  const blurred = await sampled(network, pixels, tile, begin);
  return mapOf(weights, CELL / OVERVIEW, { height, width, data: seen }, blurred);
}

/** The share of a photo that is blurred, of samples at its full size, spread evenly. A photo of one
 * tile needs none: its tile tells.
 *
 * @param {Network} network @param {Pixels} pixels @param {number} tile
 * @param {() => Promise<void>} begin
 */
async function sampled(network, pixels, tile, begin) {
  const { height, width } = pixels;
  if (Math.max(height, width) <= tile) return 1;
  const count = height * width < MANY ? 2 : 3;
  /** @type {number[]} */
  const found = [];
  for (const y of spread(height, count)) {
    for (const x of spread(width, count)) {
      found.push(...(await measurePart(network, fullSize(pixels), y, x, begin)));
    }
  }
  const data = Float32Array.from(found);
  return blurredShare({ height: 1, width: data.length / PLANES, data });
}

/** Ranges of `SAMPLE` pixels, or of all that there are, evenly spaced along a side.
 *
 * @param {number} side @param {number} count
 * @returns {Range[]}
 */
function spread(side, count) {
  const length = Math.min(side, SAMPLE);
  const starts = times(count, (k) => rint((k * (side - length)) / (count - 1)));
  return [...new Set(starts)].map((start) => [start, start + length]);
}

/** Lengths, of which the logarithm is averaged around each cell, weighted by the confidence.
 *
 * @param {number[][]} cells length and confidence of each
 * @param {number} height @param {number} width
 */
function smooth(cells, height, width) {
  const weights = Float64Array.from(cells, ([, confidence]) => confidence ** 2);
  const weighted = weights.map((weight, k) => weight * Math.log2(Math.max(cells[k][0], 1)));
  const total = around(weights, height, width, AROUND);
  const near = around(weighted, height, width, AROUND);
  // Without texture there is nothing to see: as in the rest of the picture.
  const overall = sum(weighted) / Math.max(sum(weights), 1e-6);
  return Float32Array.from(cells, (_, k) => {
    const known = clip(total[k] / 2);
    return 2 ** ((near[k] / Math.max(total[k], 1e-6)) * known + overall * (1 - known));
  });
}

/** How far a length belongs to a node: 1 at the node, 0 at the nodes beside it, linear in the
 * logarithm between them.
 *
 * @param {number} length @param {number[][]} nodes as `LENGTHS` @param {number} index
 */
function hat(length, nodes, index) {
  /** @param {number} k how far the length has come to a node from the one before */
  const come = (k) => betweenLengths(length, nodes[k - 1][1], nodes[k][1]);
  return (index ? come(index) : 1) - (index + 1 < nodes.length ? come(index + 1) : 0);
}

/** @param {number} value @returns {Cells} a single cell */
const everywhere = (value) => ({ height: 1, width: 1, data: Float32Array.of(value) });
