/** WebP: https://developers.google.com/speed/webp/docs/riff_container. It is written as PNG. */

import { DAMAGED, NONE, PhotoError, latin, viewOf } from "./bytes.js";
import { decodeWebp } from "./codecs.js";
import { uprightExif } from "./exif.js";
import { metadataChunks, writePng } from "./png.js";
import { uprightXmp } from "./xmp.js";

/**
 * Opens a WebP: its header and its metadata, not its pixels.
 * @param {Uint8Array} file
 * @returns {import("./photo.js").Stored}
 * @throws {Error} if it is damaged or animated
 */
export function openWebp(file) {
  const view = viewOf(file);
  const end = view.getUint32(4, true) + 8;
  if (end > file.length) throw new PhotoError(DAMAGED);
  /** @type {Record<string, Uint8Array | undefined>} */
  const chunks = {};
  /** @type {string[]} */
  const lost = [];
  for (let at = 12; at + 8 <= end; ) {
    const name = latin(file, at, at + 4);
    const length = view.getUint32(at + 4, true);
    if (name === "ANMF") throw new PhotoError("is animated, and only still pictures are taken");
    chunks[name] ??= file.subarray(at + 8, at + 8 + length);
    if (!/VP8[ LX]|ALPH|ANIM|ICCP|EXIF|XMP /.test(name)) lost.push(`its chunk ${name.replace(/\W/g, "?")}`);
    at += 8 + length + (length & 1);
  }
  if (file.length > end + (end & 1)) lost.push("the data behind its end");
  const { VP8X: whole, VP8L: lossless, "VP8 ": lossy, EXIF = NONE, "XMP ": xmp = NONE } = chunks;
  const head = viewOf(whole ?? lossless ?? lossy ?? NONE);
  const [width, height, alpha] = whole
    ? [1 + (head.getUint32(4, true) & 0xffffff), 1 + (head.getUint32(6, true) >>> 8), whole[0] & 16]
    : lossless
      ? [
          1 + (head.getUint16(1, true) & 0x3fff),
          1 + ((head.getUint32(1, true) >> 14) & 0x3fff),
          lossless[4] & 16,
        ]
      : [head.getUint16(6, true) & 0x3fff, head.getUint16(8, true) & 0x3fff, 0];
  const { exif, orientation } = uprightExif(EXIF, width, height);
  const packet = uprightXmp(xmp, orientation, lost);
  const icc = chunks.ICCP ?? NONE;
  return {
    width,
    height,
    channels: alpha ? 4 : 3,
    orientation,
    lost,
    icc,
    decode: () => decodeWebp(file),
    write: async (picture) => writePng(picture, await metadataChunks(icc, exif, packet)),
  };
}
