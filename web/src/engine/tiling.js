// Splits an image into overlapping tiles and merges the results with feathered seams
// (src/unblur/inference/tiling.py).

import { clip, floats, times, upTo } from "./numbers.js";


/** @typedef {[start: number, stop: number, ...unknown[]]} Range rows or columns, without the last */
/** @typedef {[start: number, stop: number, weights: Float32Array]} Span of a tile */
/** @typedef {[start: number, stop: number, data: Float32Array]} Strip rows, what is in them */

/** Applies an operator to an image of any size, tile by tile, from top to bottom. A row of tiles is
 * held at most.
 *
 * @param {(y: Range, x: Range) => Promise<Float32Array | null>} operator returns values (rows,
 *   columns, channels) of a tile; null: zeros
 * @param {{height: number, width: number, channels: number}} shape of the image
 * @param {number} tile largest side of a tile, in pixels
 * @param {number} overlap pixels that neighbouring tiles share; in their middle one fades into the
 *   other
 * @param {number} multiple every tile starts at a multiple of it
 * @returns {AsyncGenerator<Strip, void>}
 */
export async function* runTiled(operator, { height, width, channels }, tile, overlap, multiple) {
  const columns = spans(width, tile, overlap, multiple);
  const rows = spans(height, tile, overlap, multiple);
  // The rows shared with the next row of tiles, so far.
  let carried = floats(0);
  const length = width * channels;
  for (const [index, y] of rows.entries()) {
    const strip = floats(lengthOf(y) * length);
    strip.set(carried);
    for (const x of columns) {
      const part = await operator(y, x);
      if (part) addFaded(strip, part, y, x, width, channels);
    }
    const [start] = y;
    const [stop] = rows[index + 1] ?? [height];
    const end = (stop - start) * length;
    carried = strip.slice(end);
    yield [start, stop, strip.subarray(0, end)];
  }
}

/** The tiles along one side of an image: as few as possible, of equal length except the last. Their
 * weights add up to 1 everywhere, and change over the middle third of an overlap.
 *
 * @param {number} length of the side, in pixels
 * @param {number} tile larger than twice the overlap
 * @param {number} overlap
 * @param {number} [multiple]
 * @returns {Span[]}
 */
export function spans(length, tile, overlap, multiple = 1) {
  tile -= tile % multiple;
  overlap = upTo(overlap, multiple);
  let count = Math.max(1, Math.ceil((length - overlap) / (tile - overlap)));
  let size = Math.ceil((length + (count - 1) * overlap) / count);
  if (count > 1) {
    size = upTo(size, multiple);
    // Rounded up, the tiles may cover the length with one fewer.
    count = Math.ceil((length - overlap) / (size - overlap));
  }
  return times(count, (index) => {
    const start = index * (size - overlap);
    const weights = floats(Math.min(size, length - start)).fill(1);
    for (let k = 0; k < overlap; k++) {
      const rise = clip(((k + 0.5) * 3) / overlap - 1);
      if (index > 0) weights[k] *= rise;
      if (index < count - 1) weights[size - overlap + k] *= 1 - rise;
    }
    return [start, start + weights.length, weights];
  });
}

/** @param {number} length @returns {Range} */
export const whole = (length) => [0, length];

/** @param {Range} range */
export const lengthOf = ([start, stop]) => stop - start;

/** @param {Float32Array} strip @param {Float32Array} part @param {Span} y @param {Span} x
 * @param {number} width @param {number} channels */
function addFaded(strip, part, [, , down], [left, , across], width, channels) {
  for (let i = 0, from = 0; i < down.length; i++) {
    let to = (i * width + left) * channels;
    for (let j = 0; j < across.length; j++) {
      const weight = down[i] * across[j];
      for (let c = 0; c < channels; c++) strip[to++] += part[from++] * weight;
    }
  }
}
