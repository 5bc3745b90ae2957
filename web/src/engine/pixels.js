// A photo's pixels, and the colours in them as the network is given them.

import { fillTransparent } from "./transparency.js";

/** @typedef {import("./tiling.js").Range} Range */

/**
 * @typedef {object} Pixels a photo, or a part of one
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
export function fullSize(pixels) {
  const { width, height, channels, data } = pixels;
  const colours = colourChannels(channels);
  /** @param {Range} y @param {Range} x */
  function read(y, x) {
    const count = (y.stop - y.start) * (x.stop - x.start);
    const out = new Float32Array(count * colours);
    const alpha = new Float32Array(colours < channels ? count : 0);
    let pixel = 0;
    for (let row = y.start; row < y.stop; row++) {
      const end = (row * width + x.stop) * channels;
      for (let from = (row * width + x.start) * channels; from < end; from += channels, pixel++) {
        for (let c = 0; c < colours; c++) out[pixel * colours + c] = data[from + c];
        if (colours < channels) alpha[pixel] = data[from + colours];
      }
    }
    const filled = fillTransparent(out, alpha, y.stop - y.start, x.stop - x.start, colours);
    // To whole levels, halves to even ones.
    if (filled) out.set(Uint8ClampedArray.from(out));
    for (let k = 0; k < out.length; k++) out[k] /= 255;
    return out;
  }
  return { width, height, channels: colours, read };
}

/** @param {Source} source @param {Range} y @param {Range} x @returns {Source} a part of an image */
export function partOf(source, y, x) {
  /** @param {Range} range @param {number} by */
  const moved = (range, by) => ({ start: range.start + by, stop: range.stop + by });
  return {
    width: x.stop - x.start,
    height: y.stop - y.start,
    channels: source.channels,
    read: (rows, columns) => source.read(moved(rows, y.start), moved(columns, x.start)),
  };
}
