/** JPEG: ITU-T T.81, JFIF 1.02, Adobe XMP Part 3, ICC.1 section B.4, Photoshop's resources. */

import { times } from "../engine/numbers.js";
import { NONE, joined, latin, refuse, viewOf } from "./bytes.js";
import { decodeJpeg, encodeJpeg } from "./codecs.js";
import { uprightExif } from "./exif.js";
import { uprightXmp } from "./xmp.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {[marker: number, body: Uint8Array, text?: string]} Segment */
/** Its text is the marker and how the content begins; of an APP segment alone.
 * @typedef {[marker: number, body: Uint8Array, text: string]} Found */

const LONGEST = 65533;
const JFIF = "JFIF\0";
const PROFILE = "ICC_PROFILE\0";
const EXIF = "Exif\0";
const XMP = "http://ns.adobe.com/xap/1.0/\0";
const PHOTOSHOP = "Photoshop 3.0\0";
// What the new file has of its own, or no longer has: the layout, thumbnails, an index of pictures.
const WRITTEN = /^.(JF(IF|XX)\0|Exif\0|http:..ns.adobe.com.xap|ICC_PROFILE\0|MPF\0|Photoshop 3.0\0|Adobe)/s;
// They belong to the old pixels: gain maps, HDR, content credentials, previews, indices.
const STALE = /^(\xe2urn:iso|\xeb|\xe4SCALADO|\xe8SPIFF|[\xe2-\xef]\xff\xd8\xff)/;
/** @type {[RegExp, string][]} */
const BEHIND = [
  [/gain-?map|21496/i, "the gain map of an HDR photo"],
  [/ftyp|MotionPhoto/, "the film of a motion photo"],
  [/[^\0\xff\r\n ]/, "what lies behind the picture"],
];

/**
 * Opens a JPEG: its header and its metadata, not its pixels.
 * @param {Uint8Array} file
 * @returns {import("./photo.js").Stored}
 * @throws {PhotoError} if it is damaged, or of a kind that is not read
 */
export function openJpeg(file) {
  const { found, coded, frame, kind, end } = walked(file);
  const [height, width] = [viewOf(frame).getUint16(1), viewOf(frame).getUint16(3)];
  /** @type {string[]} */
  const lost = [];
  const bodies = (/** @type {string} */ start) =>
    found
      .filter(([, , text]) => text.startsWith(start, 1))
      .map(([, body]) => body.subarray(start.length));
  const icc = profile(bodies(PROFILE), lost);
  const stale = new Set(found.filter(([, , text]) => STALE.test(text)).map(([marker]) => marker));
  for (const marker of stale) lost.push(`its APP${marker - 0xe0} segments`);
  const rest = latin(file, end, Math.min(file.length, end + 2 ** 24));
  const behind = BEHIND.find(([pattern]) => pattern.test(rest));
  if (behind) lost.push(behind[1]);
  const [block = NONE, second] = bodies(EXIF);
  const { exif, orientation } = uprightExif(block.subarray(1), width, height);
  const jfif = bodies(JFIF).find((body) => body.length > 6)?.slice(0, 7);
  if (jfif && orientation > 4) jfif.set([jfif[5], jfif[6], jfif[3], jfif[4]], 3);
  const [packet = NONE, other] = bodies(XMP);
  if (second || other) lost.push("a second block of EXIF or XMP");
  const xmp = uprightXmp(packet, orientation, lost);
  /** @type {Segment[]} */
  const added = [
    ...segments(0xe0, JFIF, jfif && joined(jfif, [0, 0])),
    ...segments(0xe1, EXIF + "\0", exif),
    ...segments(0xe1, XMP, xmp),
    ...segments(0xed, PHOTOSHOP, resources(joined(...bodies(PHOTOSHOP)), orientation, lost)),
    ...found.filter(
      ([marker, , text]) =>
        marker === 0xfe || (text && !stale.has(marker) && !WRITTEN.test(text)),
    ),
    ...profileSegments(icc),
  ];
  return {
    width,
    height,
    channels: frame[5],
    orientation,
    lost,
    icc,
    decode: () => decodeJpeg(coded()),
    write: async (picture) =>
      withSegments(await encodeJpeg(picture, await quality(tables(found)), kind === 2), added),
  };
}

/**
 * A JPEG with a profile, for the browser to show.
 * @param {Picture} picture grey or RGB
 * @param {Uint8Array} icc may be empty
 */
export async function shownJpeg(picture, icc) {
  return withSegments(await encodeJpeg(picture, 92), profileSegments(icc));
}

/**
 * The segments of metadata and quantisation, the frame's header and the kind of its coding, where
 * the picture ends, and the file without metadata, to be decoded.
 * @param {Uint8Array} file
 */
function walked(file) {
  /** @type {Found[]} */
  const found = [];
  /** @type {(Uint8Array | string)[]} */
  const parts = ["\xff\xd8"];
  let [at, scans, kind] = [2, 0, 0];
  let frame = NONE;
  for (;;) {
    const before = at;
    do at = file.indexOf(255, at) + 1;
    // In a scan, a zero or the number of a restart follows a byte 255 that is no marker.
    while (at && (file[at] < 2 || file[at] === 255 || (file[at] & 0xf8) === 0xd0));
    const marker = file[at];
    if (!at || marker === undefined) refuse();
    if (scans) parts.push(file.subarray(before, at - 1));
    if (marker === 0xd9) break;
    const end = at + 1 + Math.max(2, file[at + 1] * 256 + file[at + 2]);
    const body = file.subarray(at + 3, end);
    if (marker >> 4 === 12 && marker & 3 && !frame.length) [frame, kind] = [body, marker & 15];
    else if (marker === 0xc0) frame = body;
    const text = marker >> 4 === 14 ? String.fromCharCode(marker) + latin(body, 0, 64) : "";
    if (text || marker === 0xfe || marker === 0xdb) found.push([marker, body, text]);
    if (marker === 0xda && ++scans > 100) refuse();
    // The decoder tells by these what the colours are.
    if (text ? /^.(JFIF\0|Adobe)/s.test(text) : marker !== 0xfe) parts.push(file.subarray(at - 1, end));
    at = end;
  }
  const [precision, , , , , components] = frame;
  if (frame.length < 6 || !scans) refuse();
  const odd =
    (kind > 2 && "lossless or arithmetic") ||
    (precision !== 8 && `${precision} bit`) ||
    (components !== 1 && components !== 3 && "CMYK");
  if (odd) refuse(`is a JPEG of a kind that only the command line may take (${odd})`);
  return { found, frame, kind, end: at + 1, coded: () => joined(...parts, "\xff\xd9") };
}

/**
 * A profile of all its parts; empty if there is none, or parts are missing.
 * @param {Uint8Array[]} parts
 * @param {string[]} lost
 */
function profile(parts, lost) {
  parts.sort((a, b) => a[0] - b[0]);
  if (parts.every((part, i) => part[0] === i + 1 && part[1] === parts.length)) {
    return joined(...parts.map((part) => part.subarray(2)));
  }
  lost.push("an ICC profile of which parts are missing");
  return NONE;
}

/** @param {Uint8Array} icc */
function profileSegments(icc) {
  const all = segments(0xe2, PROFILE + "\0\0", icc);
  all.forEach(([, body], i) => body.set([i + 1, all.length], 12));
  return all;
}

/**
 * Photoshop's resources without thumbnails; of a turned picture, its IPTC records alone.
 * @param {Uint8Array} all
 * @param {number} orientation
 * @param {string[]} lost
 */
function resources(all, orientation, lost) {
  const view = viewOf(all);
  const kept = [];
  for (let at = 0; at + 12 <= all.length; ) {
    // A signature, the kind, a name behind its length, the content behind its length: both padded.
    const start = at + 6 + ((all[at + 6] + 2) & ~1) + 4;
    const end = start <= all.length ? start + ((view.getUint32(start - 4) + 1) & ~1) : at;
    if (end <= at) break;
    const kind = view.getUint16(at + 4);
    const sided = orientation > 1 && kind !== 1028;
    if (sided) lost.push("Photoshop's resources");
    else if (kind !== 1033 && kind !== 1036) kept.push(all.subarray(at, end));
    at = end;
  }
  return joined(...kept);
}

/**
 * As many segments as the content needs.
 * @param {number} marker
 * @param {string} head of each
 * @param {Uint8Array} [content]
 */
function segments(marker, head, content = NONE) {
  /** @type {Segment[]} */
  const all = [];
  const room = LONGEST - head.length;
  for (let at = 0; at < content.length; at += room) {
    all.push([marker, joined(head, content.subarray(at, at + room))]);
  }
  return all;
}

/**
 * A written file with segments behind its JFIF segment, which they may replace.
 * @param {Uint8Array} file
 * @param {Segment[]} added
 */
function withSegments(file, added) {
  const kept = added[0]?.[0] === 0xe0 ? 2 : 20;
  const bytes = added.flatMap(([marker, body]) => {
    const size = body.length + 2;
    return [[255, marker, size >> 8, size], body];
  });
  return joined(file.subarray(0, kept), ...bytes, file.subarray(20));
}

/** The quantisation tables, luminance first; those of 8 bit. @param {Found[]} found */
function tables(found) {
  const all = joined(...found.filter(([marker]) => marker === 0xdb).map(([, body]) => body));
  return times(all.length / 65, (i) => all.subarray(65 * i + 1, 65 * i + 65));
}

/**
 * The lowest quality, from 97 on, whose quantisation is nowhere coarser than the tables'.
 * @param {Uint8Array[]} theirs
 */
async function quality(theirs) {
  for (let candidate = 97; candidate < 100; candidate++) {
    const dot = { data: NONE, width: 1, height: 1, channels: 3 };
    const ours = tables(walked(await encodeJpeg(dot, candidate)).found);
    if (theirs.every((table, i) => table.every((value, k) => ours[Math.min(i, 1)][k] <= value))) {
      return candidate;
    }
  }
  return 100;
}
