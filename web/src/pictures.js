// The pictures of a photo and its result that the page shows: the whole, and tiles of a large one.

import { blend } from "./engine/deblur.js";
import { colourChannels } from "./engine/pixels.js";
import { preview } from "./photo/photo.js";
import { changeOf, found, pixelsOf, shown } from "./photos.js";

/** @import { Pixels } from "./engine/pixels.js" */
/** @import { Photo } from "./photo/photo.js" */

export const TILE = 512;

/**
 * The address of a picture of them.
 * @param {Pixels} pixels
 * @param {Photo} photo
 * @param {number} largest side
 */
export async function pictureOf(pixels, photo, largest) {
  return URL.createObjectURL(await jpeg(pixels, photo, largest));
}

/**
 * A tile of a large photo, or of its result at full strength, as a JPEG.
 * @param {string} id
 * @param {"before"|"after"} of
 * @param {number} x
 * @param {number} y
 */
export async function tile(id, of, x, y) {
  const held = found(id);
  const result = of === "after" && shown(held);
  const photo = await pixelsOf(held);
  const whole = { ...photo, top: y * TILE, left: x * TILE };
  const before = cut(whole, photo.data, photo.channels);
  if (!result) return jpeg(before, photo);
  const change = cut(whole, await changeOf(result), colourChannels(photo.channels));
  return jpeg(blend(before, change.data, 1), photo);
}

/**
 * @param {Pixels} pixels
 * @param {Photo} photo
 * @param {number} [largest] side
 */
async function jpeg(pixels, photo, largest) {
  const bytes = await preview(pixels, photo, largest);
  return new Blob([/** @type {BlobPart} */ (bytes)], { type: "image/jpeg" });
}

/**
 * A tile of a photo's values.
 * @template {Uint8Array|Uint8ClampedArray|Int16Array} T
 * @param {{width: number, height: number, top: number, left: number}} of the whole; where to cut
 * @param {T} data (height, width, channels)
 * @param {number} channels
 */
function cut({ width, height, top, left }, data, channels) {
  const [columns, rows] = [Math.min(TILE, width - left), Math.min(TILE, height - top)];
  const out = new /** @type {any} */ (data.constructor)(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    const from = ((top + row) * width + left) * channels;
    out.set(data.subarray(from, from + columns * channels), row * columns * channels);
  }
  return { width: columns, height: rows, channels, data: /** @type {T} */ (out) };
}
