// A photo's pixels, and the colours in them as the network is given them.

import { floats } from "./numbers.js";
import { lengthOf } from "./tiling.js";
import { fillTransparent } from "./transparency.js";

/** @typedef {import("./tiling.js").Range} Range */

/**
 * @typedef {object} Pixels a photo
 * @property {number} width
 * @property {number} height
 * @property {number} channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA (not premultiplied)
 * @property {Uint8Array | Uint8ClampedArray} data (height, width, channels)
 */

/**
 * @typedef {object} Source an image that is read part by part
 * @property {number} width
 * @property {number} height
 * @property {number} channels 1 or 3: without alpha
 * @property {(y: Range, x: Range) => Float32Array} read colours (rows, columns, channels), 0 to 1;
 *   those under full transparency are filled in
 */

/** @param {number} channels @returns {number} how many of them are not alpha */
export const colourChannels = (channels) => channels - 1 + (channels % 2);

/** @param {Pixels} pixels @returns {Source} the photo at its full size */
export function fullSize({ width, height, channels, data }) {
  const colours = colourChannels(channels);
  /** @param {Range} y @param {Range} x */
  function read(y, x) {
    const rows = lengthOf(y);
    const columns = lengthOf(x);
    const out = floats(rows * columns * colours);
    const alpha = floats(colours < channels ? rows * columns : 0);
    for (let row = 0, pixel = 0; row < rows; row++) {
      let from = ((y[0] + row) * width + x[0]) * channels;
      for (let j = 0; j < columns; j++, pixel++, from += channels) {
        for (let c = 0; c < colours; c++) out[pixel * colours + c] = data[from + c];
        if (colours < channels) alpha[pixel] = data[from + colours];
      }
    }
    fillTransparent(out, alpha, rows, columns, colours);
    // Colours that were filled in are whole levels, halves rounded to even ones.
    if (colours < channels) out.set(new Uint8ClampedArray(out));
    for (let k = 0; k < out.length; k++) out[k] /= 255;
    return out;
  }
  return { width, height, channels: colours, read };
}
