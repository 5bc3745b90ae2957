/** EXIF blocks, which are small TIFFs: EXIF 2.32, TIFF 6.0. */

import { times } from "../engine/numbers.js";
import { latin } from "./bytes.js";
import { sides } from "./pixels.js";

const ORIENTATION = 0x112;
/** Bytes of a number of each type of integers. @type {Record<number, number>} */
const SIZES = { 1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4 };
// The width, or what is across; the height, or what is down, has the next number.
const PAIRS = [0x100, 0x11a, 0xa002, 0xa20e, 0x1001];

/**
 * A block for the upright picture, patched in place, since makers' notes hold offsets into it. The
 * thumbnail, which shows the old picture, is unlinked; sizes and the subject's place are turned.
 * A damaged block is patched as far as it is intact.
 * @param {Uint8Array} block with or without a leading "Exif"
 * @param {number} width of the picture as stored
 * @param {number} height
 * @returns {{exif: Uint8Array, orientation: number}} the orientation that it stated, 1 to 8
 */
export function uprightExif(block, width, height) {
  const exif = block.slice();
  let orientation = 1;
  try {
    const lead = latin(exif, 0, 4) === "Exif" ? 6 : 0;
    const view = new DataView(exif.buffer, lead);
    const little = view.getUint16(0) === 0x4949;
    const u16 = (/** @type {number} */ at) => view.getUint16(at, little);
    const u32 = (/** @type {number} */ at) => view.getUint32(at, little);
    const set16 = (/** @type {number} */ at, /** @type {number} */ value) =>
      view.setUint16(at, value, little);
    if (u16(2) !== 42) return { exif, orientation };
    const entries = (/** @type {number} */ start) =>
      times(start && u16(start), (i) => start + 2 + 12 * i).filter(
        (at) => at + 12 <= view.byteLength,
      );
    const all = entries(u32(4));
    const find = (/** @type {number} */ tag) => all.find((at) => u16(at) === tag) ?? 0;
    const stated = find(ORIENTATION);
    // Of whatever type of integers, the value is in the lowest byte.
    const size = stated && (SIZES[u16(stated + 2)] ?? 0);
    const lowest = lead + stated + (little ? 8 : 7 + size);
    if (size && exif[lowest] > 1 && exif[lowest] < 9) {
      orientation = exif[lowest];
      exif[lowest] = 1;
    }
    const next = u32(4) + 2 + 12 * u16(u32(4));
    if (next + 4 <= view.byteLength) view.setUint32(next, 0);
    for (const below of [0x8769, 0xa005]) {
      const at = find(below);
      if (at) all.push(...entries(u32(at + 8)));
    }
    for (const tag of orientation > 4 ? PAIRS : []) {
      const [a, b] = [find(tag), find(tag + 1)].map((at) => at && at + lead + 2);
      if (!a || !b) continue;
      const kept = exif.slice(a, a + 10);
      exif.copyWithin(a, b, b + 10);
      exif.set(kept, b);
    }
    // SubjectArea and SubjectLocation: x and y; then nothing, a diameter, or width and height.
    const [mirrored, flipped, turned] = sides(orientation);
    for (const at of orientation > 1 ? [find(0x9214), find(0xa214)] : []) {
      const count = at && u32(at + 4);
      if (count < 2 || count > 4 || u16(at + 2) !== 3) continue;
      const place = count === 2 ? at + 8 : u32(at + 8);
      const [x, y, ...lengths] = times(count, (i) => u16(place + 2 * i));
      const centre = [
        mirrored ? Math.max(0, width - 1 - x) : x,
        flipped ? Math.max(0, height - 1 - y) : y,
      ];
      if (turned) [centre, lengths].forEach((pair) => pair.reverse());
      [...centre, ...lengths].forEach((value, i) => set16(place + 2 * i, value));
    }
  } catch {
    // It ends early.
  }
  return { exif, orientation };
}
