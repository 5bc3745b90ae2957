// The tile size that a device's memory allows.

/** What a tab takes with the network loaded and a photo of 12 megapixels, in bytes; measured in
 * Chromium, 270 MB of it by the network and its runtime. */
const FIXED = 400e6;
/** What a pixel of a tile takes, measured (245 bytes in the runtime) and rounded up. */
const BYTES_PER_PIXEL = 320;
/** Least side of a tile: below it, the overlaps cost more than they save. */
const SMALLEST = 384;

/** The side of a tile, in pixels: the network's own, or what fits into a quarter of the memory.
 *
 * @param {import("./network.js").Contract} contract
 * @param {number} [gigabytes] of memory, as `navigator.deviceMemory` says; not all browsers do
 */
export function tileFor({ tile }, gigabytes = 4) {
  const side = Math.sqrt(Math.max(0, (gigabytes * 2 ** 30) / 4 - FIXED) / BYTES_PER_PIXEL);
  return Math.min(tile, Math.max(SMALLEST, Math.floor(side)));
}
