/** PNG (third edition), its chunks: https://www.w3.org/TR/png-3/ */

import { ANIMATED, NONE, joined, latin, piped, refuse, u32, viewOf } from "./bytes.js";
import { uprightExif } from "./exif.js";
import { decodePng, filtered } from "./png_pixels.js";
import { uprightXmp } from "./xmp.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {[name: string, data: Uint8Array]} Chunk */

/** How a PNG begins. */
export const SIGNATURE = "\x89PNG\r\n\x1a\n";
const XMP = "XML:com.adobe.xmp\0";
const PIXELS = /^(IHDR|PLTE|tRNS|IDAT|IEND)$/;
// Registered ones are still true of other pixels; others say by their last letter whether they are.
const CARRIED = /^.[A-Z]|[a-z]$/;
// Of an animation, and Apple's split of the data.
const UNSAID = /^(acTL|fcTL|fdAT|iDOT)$/;

/**
 * Opens a PNG: its header and its metadata, not its pixels.
 * @param {Uint8Array} file
 * @returns {Promise<import("./photo.js").Stored>}
 * @throws {PhotoError} if it is damaged, or of a kind that is not read
 */
export async function openPng(file) {
  const { found, lost, pixels, IHDR, PLTE, tRNS } = walked(file);
  const [width, height] = [viewOf(IHDR).getUint32(0), viewOf(IHDR).getUint32(4)];
  const [depth, kind, , , interlaced] = IHDR.subarray(8);
  const colours = [1, 0, 3, 3, 2, 0, 4][kind];
  if (!colours || ![1, 2, 4, 8, 16].includes(depth)) refuse();
  const channels = colours + (tRNS.length && colours & 1);
  const named = (/** @type {string} */ name) => found.find((chunk) => chunk[0] === name)?.[1] ?? NONE;
  const { exif, orientation } = uprightExif(named("eXIf"), width, height);
  if (depth > 8) lost.push("its 16 bit a channel (they become 8)");
  if (PLTE.length) lost.push(kind === 3 ? "its palette (it becomes RGB)" : "its chunk PLTE");
  /** @type {Chunk[]} */
  const kept = [];
  for (const [name, data] of found) {
    const isXmp = latin(data, 0, 17) + "\0" === XMP;
    let made = data;
    if (name === "eXIf") made = exif;
    // What is compressed has a 1 behind its name.
    else if (isXmp && !data[18]) made = uprightText(data, orientation, lost);
    else if (
      (orientation > 1 && (isXmp || /^(oFFs|sTER|sCAL|pHYs|vpAg|caNv)|TXtRaw/.test(name + latin(data, 0, 3)))) ||
      // Of samples that are stored otherwise.
      ((depth !== 8 || PLTE.length || tRNS.length) && /^(sBIT|bKGD|hIST)$/.test(name))
    ) {
      lost.push(`its chunk ${name}`);
      continue;
    }
    if (made.length) kept.push([name, made]);
  }
  const profile = named("iCCP");
  return {
    width,
    height,
    channels,
    orientation,
    lost,
    deep: depth > 8,
    icc: await inflated(profile.subarray(profile.indexOf(0) + 2)),
    decode: () =>
      decodePng([width, height, depth, kind, colours, channels, interlaced], PLTE, tRNS, pixels),
    write: (picture) => writePng(picture, kept),
  };
}

/**
 * A PNG of 8 bit a channel.
 * @param {Picture} picture
 * @param {Chunk[]} chunks
 */
export async function writePng(picture, chunks) {
  const { width, height, channels } = picture;
  const data = await piped(CompressionStream, filtered(picture));
  /** @type {Chunk[]} */
  const all = [
    ["IHDR", joined(u32(width, height), [8, [0, 4, 2, 6][channels - 1], 0, 0, 0])],
    ...chunks,
    ["IDAT", data],
    ["IEND", NONE],
  ];
  const parts = all.flatMap(([name, data]) => {
    const body = joined(name, data);
    return [u32(data.length), body, u32(crc(body))];
  });
  return joined(SIGNATURE, ...parts);
}

/**
 * The chunks for metadata of another format.
 * @param {Uint8Array} icc
 * @param {Uint8Array} exif
 * @param {Uint8Array} xmp
 * @returns {Promise<Chunk[]>}
 */
export async function metadataChunks(icc, exif, xmp) {
  const profile = await piped(CompressionStream, [icc]);
  /** @type {Chunk[]} */
  const made = [];
  if (icc.length) made.push(["iCCP", joined("ICC Profile\0\0", profile)]);
  if (exif.length) made.push(["eXIf", exif.subarray(latin(exif, 0, 4) === "Exif" ? 6 : 0)]);
  if (xmp.length) made.push(["iTXt", joined(XMP, "\0\0\0\0", xmp)]);
  return made;
}

/**
 * The chunks beside the pixels, what is dropped of them, and the pixels' own.
 * @param {Uint8Array} file
 */
function walked(file) {
  /** @type {Chunk[]} */
  const found = [];
  /** @type {string[]} */
  const lost = [];
  /** @type {Uint8Array[]} */
  const pixels = [];
  /** @type {Record<string, Uint8Array>} */
  const own = {};
  const view = viewOf(file);
  for (let at = 8, name = ""; name !== "IEND"; ) {
    const end = at + 8 + view.getUint32(at);
    name = latin(file, at + 4, at + 8);
    const data = file.subarray(at + 8, end);
    const known = PIXELS.test(name);
    if (!known && /^[A-Z]/.test(name)) {
      refuse(/\W/.test(name) ? undefined : `is a PNG of a kind that is not read (${name}); save it as a plain one first`);
    }
    if (name === "acTL" && view.getUint32(at + 8) > 1) refuse(ANIMATED);
    const word = `its chunk ${name.replace(/\W/g, "?")}`;
    if (name === "IDAT") pixels.push(data);
    else if (known) own[name] ??= data;
    else if (view.getUint32(end) !== crc(file.subarray(at + 4, end))) lost.push(`${word}, which is damaged`);
    else if (!UNSAID.test(name)) {
      if (CARRIED.test(name)) found.push([name, data]);
      else lost.push(word);
    }
    at = end + 4;
    if (name === "IEND" && at < file.length) lost.push("the data behind its end");
  }
  const { IHDR, PLTE = NONE, tRNS = NONE } = own;
  return { found, lost, pixels, IHDR, PLTE, tRNS };
}

/**
 * The content of a chunk of XMP for the upright picture; empty if it is lost.
 * @param {Uint8Array} data
 * @param {number} orientation
 * @param {string[]} lost
 */
function uprightText(data, orientation, lost) {
  // The name, two bytes of compression, a language and a translated name.
  const at = data.indexOf(0, data.indexOf(0, 20) + 1) + 1;
  const packet = uprightXmp(data.subarray(at), orientation, lost);
  return packet.length ? joined(data.subarray(0, at), packet) : packet;
}

/** A profile that is compressed; empty if it is damaged. @param {Uint8Array} bytes */
function inflated(bytes) {
  return piped(DecompressionStream, [bytes], 2 ** 25).catch(() => NONE);
}

const CRC = Int32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** The check sum of Annex D. @param {Uint8Array} bytes */
function crc(bytes) {
  let sum = -1;
  for (let at = 0; at < bytes.length; at++) sum = CRC[(sum ^ bytes[at]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}
