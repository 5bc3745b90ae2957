/** WebP: https://developers.google.com/speed/webp/docs/riff_container. It is written as PNG. */

import { ANIMATED, NONE, latin, refuse, viewOf } from "./bytes.js";
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
  if (end > file.length) refuse();
  /** @type {Record<string, Uint8Array | undefined>} */
  const chunks = {};
  /** @type {string[]} */
  const lost = [];
  for (let at = 12; at + 8 <= end; ) {
    const name = latin(file, at, at + 4);
    const length = view.getUint32(at + 4, true);
    if (name === "ANMF") refuse(ANIMATED);
    chunks[name] ??= file.subarray(at + 8, at + 8 + length);
    if (!/VP8[ LX]|ALPH|ANIM|ICCP|EXIF|XMP /.test(name)) lost.push(`its chunk ${name.replace(/\W/g, "?")}`);
    at += 8 + length + (length & 1);
  }
  if (file.length > end + (end & 1)) lost.push("the data behind its end");
  // The header of it all, or of the picture alone: of one without loss, or of the other kind.
  const { VP8X: whole, VP8L: lossless, "VP8 ": lossy, EXIF = NONE, "XMP ": xmp = NONE } = chunks;
  const head = viewOf(whole ?? lossless ?? lossy ?? NONE);
  const bits = head.getUint32(!whole && lossless ? 1 : 6, true);
  const [width, height, alpha] = whole
    ? [1 + (head.getUint32(4, true) & 0xffffff), 1 + (bits >>> 8), whole[0] & 16]
    : lossless
      ? [1 + (bits & 0x3fff), 1 + ((bits >> 14) & 0x3fff), (bits >> 28) & 1]
      : [bits & 0x3fff, (bits >> 16) & 0x3fff, 0];
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
