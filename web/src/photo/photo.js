/** Photos in the browser: read whole, written with new pixels and the metadata that was read. */

import { PhotoError, latin, refuse } from "./bytes.js";
import { openJpeg, shownJpeg } from "./jpeg.js";
import { onSquares, reduced, upright } from "./pixels.js";
import { SIGNATURE, openPng } from "./png.js";
import { openWebp } from "./webp.js";

export { setCodecs } from "./codecs.js";
export { reduced } from "./pixels.js";

/** @typedef {import("./pixels.js").Picture} Picture */

/**
 * A file whose header and metadata have been read.
 * @typedef {object} Stored
 * @property {number} width as stored
 * @property {number} height
 * @property {number} channels
 * @property {number} orientation of EXIF, to be applied
 * @property {string[]} lost what of the file a result will not have, in a few words each
 * @property {boolean} [deep] whether it has 16 bit a channel
 * @property {Uint8Array} icc the profile; empty if there is none
 * @property {() => Promise<Picture>} decode the pixels as stored; may have a channel too many
 * @property {(picture: Picture) => Promise<Uint8Array>} write a file with other pixels, upright
 */

/**
 * @typedef {object} Photo
 * @property {"jpeg" | "png" | "webp"} format
 * @property {number} width upright
 * @property {number} height
 * @property {number} channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA
 * @property {Uint8Array} data (height, width, channels), not premultiplied
 * @property {string} details a line about it
 * @property {string[]} notes what of it a result will not have: words that follow "without"
 * @property {string} resultName of the file of the result
 * @property {Uint8Array} icc its profile; empty if there is none
 * @property {Uint8Array} file its bytes
 * @property {Stored["write"]} write
 */

/**
 * Reads a photo: the pixels upright, in 8 bit a channel.
 * @param {Uint8Array} bytes of the file
 * @param {string} name of the file
 * @param {{maxPixels: number}} limits a larger one is refused before it is decoded
 * @returns {Promise<Photo>}
 * @throws {Error} whose message follows the photo's name
 */
export async function readPhoto(bytes, name, { maxPixels }) {
  const format = formatOf(bytes);
  try {
    const opened = { jpeg: openJpeg, png: openPng, webp: openWebp }[format];
    const stored = await opened(bytes);
    const { orientation, channels } = stored;
    const pixels = stored.width * stored.height;
    if (!pixels) refuse();
    if (pixels > maxPixels) {
      const [has, most] = [pixels, maxPixels].map((n) => +(n / 1e6).toFixed(n < 1e7 ? 1 : 0));
      refuse(`has ${has} megapixels; more than ${most} does not fit here`);
    }
    const decoded = await stored.decode().catch((error) => {
      if (/^R(ange|untime)Error$/.test(error?.name)) refuse("does not fit into the memory here");
      throw error;
    });
    if (decoded.width !== stored.width || decoded.height !== stored.height) refuse();
    const picture = upright(decoded, orientation, channels);
    return {
      ...stored,
      ...picture,
      format,
      details: details(format, picture, stored.deep, bytes.length),
      notes: [...new Set(stored.lost)],
      resultName: resultName(name, format),
      file: bytes,
    };
  } catch (error) {
    if (error instanceof PhotoError) throw error;
    return refuse();
  }
}

/**
 * The file of a result: a JPEG of a JPEG, else a PNG.
 * @param {Photo} photo
 * @param {Picture["data"]} data new pixels, as `photo.data`
 * @param {{unchanged?: boolean}} [options] `unchanged`: they are the photo's, so the file is too
 * @returns {Promise<{bytes: Uint8Array, type: string, name: string}>}
 */
export async function writePhoto(photo, data, { unchanged = false } = {}) {
  const { format, width, height, channels } = photo;
  const same = unchanged && format !== "webp";
  const bytes = same ? photo.file : await photo.write({ data, width, height, channels });
  return { bytes, type: format === "jpeg" ? "image/jpeg" : "image/png", name: photo.resultName };
}

/**
 * A JPEG for the browser to show, in the colours of the photo's profile.
 * @param {Picture} picture a part of the photo, or of its result, which may be reduced
 * @param {Photo} photo
 * @param {number} [side] the most that the larger side may have; by default it stays as it is
 * @returns {Promise<Uint8Array>}
 */
export async function preview(picture, photo, side = Infinity) {
  return shownJpeg(onSquares(reduced(picture, side)), photo.icc);
}

/**
 * @param {Uint8Array} bytes
 * @returns {Photo["format"]}
 * @throws {PhotoError} if it is none that is read
 */
function formatOf(bytes) {
  const head = latin(bytes, 0, Math.min(bytes.length, 64));
  if (head.startsWith("\xff\xd8\xff")) return "jpeg";
  if (head.startsWith(SIGNATURE)) return "png";
  if (/^RIFF[^]{4}WEBP/.test(head)) return "webp";
  return refuse(
    !head
      ? "is empty; a photo was expected"
      : /^(....ftyp|GIF8|II[*+]\0|MM\0[*+])/s.test(head)
        ? "is of a format that only the command line takes (HEIC, AVIF, TIFF, GIF)"
        : "is not a picture of a format that can be read here (JPEG, PNG, WebP)",
  );
}

/**
 * @param {Photo["format"]} format
 * @param {Picture} picture
 * @param {boolean | undefined} deep
 * @param {number} bytes
 */
function details(format, { width, height, channels }, deep, bytes) {
  const parts = [
    format === "webp" ? "WebP" : format.toUpperCase(),
    `${width} \xd7 ${height}`,
    deep && "16 bit",
    channels < 3 && "grey",
    channels % 2 === 0 && "transparency",
    bytes < 2 ** 20 ? `${Math.max(1, bytes >> 10)} kB` : `${(bytes / 2 ** 20).toFixed(1)} MB`,
  ];
  return parts.filter(Boolean).join(", ");
}

/**
 * The name that `unblur deblur` gives: photo-deblurred.jpg of photo.jpg.
 * @param {string} name
 * @param {Photo["format"]} format
 */
function resultName(name, format) {
  const own = format === "jpeg" ? /^\.j(p|f|i)/i : /^\.png$/i;
  const [, stem, ending = ""] = /^(.*?)(\.[^.]{0,5})?$/s.exec(name) ?? [];
  return `${stem}-deblurred${own.test(ending) ? ending : format === "jpeg" ? ".jpg" : ".png"}`;
}
