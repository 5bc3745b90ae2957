/** The pixels of a PNG: filters, interlacing, depths, palettes, transparent colours. */

import { piped, refuse } from "./bytes.js";

/** @typedef {import("./pixels.js").Picture} Picture */

/**
 * @param {[width: number, height: number, depth: number, kind: number, colours: number,
 *   channels: number, interlaced: number]} header the bits of a sample, the colour type, its
 *   channels (3 of a palette) without and with alpha, 0 or 1
 * @param {Uint8Array} palette
 * @param {Uint8Array} tRNS a colour that is transparent, or the palette's alpha
 * @param {Uint8Array[]} parts compressed
 * @returns {Promise<Picture>} of 8 bit a channel
 * @throws {Error} if they are damaged
 */
export async function decodePng(
  [width, height, depth, kind, colours, channels, interlaced],
  palette,
  tRNS,
  parts,
) {
  const samples = kind === 3 ? 1 : colours;
  // The first column and row of each pass of Adam7, and its steps; then its sides, and its bytes.
  const passes = (interlaced ? "0088 4088 0448 2044 0224 1022 0112" : "0011").split(" ").map((pass) => {
    const [x, y, across, down] = [...pass].map(Number);
    const w = Math.ceil((width - x) / across);
    const h = w > 0 ? Math.ceil((height - y) / down) : 0;
    return [x, y, across, down, w, h, Math.ceil((w * samples * depth) / 8)];
  });
  const size = passes.reduce((sum, [, , , , , h, row]) => sum + h * (row + 1), 0);
  const bytes = await piped(DecompressionStream, parts, size + 1);
  if (bytes.length < size) refuse();
  const data = new Uint8Array(width * height * channels);
  const top = 2 ** depth - 1;
  const sample = (/** @type {number} */ at, /** @type {number} */ i) =>
    depth > 8
      ? bytes[at + 2 * i] * 256 + bytes[at + 2 * i + 1]
      : (bytes[at + ((i * depth) >> 3)] >> (8 - depth - ((i * depth) & 7))) & top;
  const clear = (/** @type {number} */ c) => (tRNS[2 * c] * 256 + tRNS[2 * c + 1]) & top;
  let at = 0;
  for (const [x, y, across, down, w, h, row] of passes) {
    for (let line = 0; line < h; line++, at += row) {
      unfilter(bytes, at++, row, Math.max(1, (samples * depth) >> 3), line ? row + 1 : 0);
      let to = ((y + line * down) * width + x) * channels;
      if (depth === 8 && samples === channels && !interlaced) {
        data.set(bytes.subarray(at, at + row), to);
        continue;
      }
      for (let i = 0; i < w * samples; to += across * channels) {
        let same = 0;
        if (kind === 3) {
          const index = sample(at, i++);
          for (let c = 0; c < 3; c++) data[to + c] = palette[3 * index + c];
          if (channels > 3) data[to + 3] = tRNS[index] ?? 255;
          continue;
        }
        for (let c = 0; c < colours; c++) {
          const value = sample(at, i++);
          data[to + c] = Math.round((value * 255) / top);
          if (value === clear(c)) same++;
        }
        if (channels > colours) data[to + colours] = same === colours ? 0 : 255;
      }
    }
  }
  return { data, width, height, channels };
}

/**
 * The rows of a picture, each behind the number of its filter, to be compressed.
 * @param {Picture} picture
 * @returns {Generator<Uint8Array<ArrayBuffer>>}
 */
export function* filtered({ data, width, height, channels }) {
  const row = width * channels;
  for (let at = 0; at < height * row; at += row) {
    const line = new Uint8Array(row + 1);
    line[0] = 2; // the difference to the row above, of photos as small as any other
    for (let i = 0; i < row; i++) line[i + 1] = data[at + i] - (at && data[at + i - row]);
    yield line;
  }
}

/**
 * Undoes the filter of a row, in place.
 * @param {Uint8Array} bytes
 * @param {number} at where the filter's number is
 * @param {number} row bytes behind it
 * @param {number} unit bytes of a pixel, at least 1
 * @param {number} above how far before it the row above is; 0 if there is none
 */
function unfilter(bytes, at, row, unit, above) {
  const filter = bytes[at++];
  for (let i = 0; filter && i < row; i++, at++) {
    const a = i < unit ? 0 : bytes[at - unit];
    const b = above && bytes[at - above];
    bytes[at] +=
      filter === 1
        ? a
        : filter === 2
          ? b
          : filter === 3
            ? (a + b) >> 1
            : paeth(a, b, above && i >= unit ? bytes[at - above - unit] : 0);
  }
}

/**
 * The one of three neighbours that is nearest to left + above - corner.
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function paeth(left, above, corner) {
  const across = Math.abs(above - corner);
  const down = Math.abs(left - corner);
  const both = Math.abs(left + above - 2 * corner);
  return across <= down && across <= both ? left : down <= both ? above : corner;
}
