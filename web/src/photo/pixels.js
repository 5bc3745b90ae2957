/** Pixels: turned upright, reduced, shown without transparency. */

import { addRow, resampler, taps } from "../engine/kernel.js";
import { clip } from "../engine/numbers.js";
import { whole } from "../engine/tiling.js";
import { turnOf } from "../engine/turns.js";

/**
 * @typedef {object} Picture
 * @property {Uint8Array | Uint8ClampedArray} data interleaved, row by row
 * @property {number} width
 * @property {number} height
 * @property {number} channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA (not premultiplied)
 */

/** Whether an orientation of EXIF, 1 to 8, exchanges left and right, top and bottom, and both. */
export const sides = (/** @type {number} */ orientation) => [
  /[2378]/.test(`${orientation}`),
  /[3467]/.test(`${orientation}`),
  orientation > 4,
];

/**
 * A copy that is upright and has as many channels.
 * @param {Picture} picture
 * @param {number} orientation of EXIF, 1 to 8
 * @param {number} [channels] fewer than the picture's: the first ones are kept
 * @returns {Picture & {data: Uint8Array}}
 */
export function upright(picture, orientation, channels = picture.channels) {
  const [mirrored, flipped, turned] = sides(orientation);
  const turn = turnOf(picture.height, picture.width, mirrored, flipped, turned);
  const { width, height, start, down, across } = turn;
  const data = new Uint8Array(width * height * channels);
  const step = across * picture.channels;
  for (let y = 0, to = 0; y < height; y++) {
    let at = (start + y * down) * picture.channels;
    for (let x = 0; x < width; x++, at += step) {
      for (let c = 0; c < channels; c++) data[to++] = picture.data[at + c];
    }
  }
  return { data, width, height, channels };
}

/**
 * A picture whose larger side is at most `side`: each pixel is the mean of the area it covers.
 * @param {Picture} picture
 * @param {number} side
 * @returns {Picture}
 */
export function reduced(picture, side) {
  const scale = side / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const { channels } = picture;
  const [width, height] = [picture.width, picture.height].map((old) =>
    Math.max(1, Math.round(old * scale)),
  );
  /** @param {number} old @param {number} size */
  const areas = (old, size) => {
    const ratio = old / size;
    // The share of an old pixel that lies within the area.
    const covered = (/** @type {number} */ distance) => clip((0.5 - Math.abs(distance)) * ratio + 0.5);
    return taps(old, whole(size), ratio, 0.5 + 0.5 / ratio, covered);
  };
  const [down, across] = [areas(picture.height, height), areas(picture.width, width)];
  const rowAt = resampler(down, across, channels, (sums, row, _, weight) =>
    addRow(sums, picture.data, row * sums.length, weight),
  );
  const data = new Uint8ClampedArray(width * height * channels);
  for (let y = 0; y < height; y++) data.set(rowAt(y), y * width * channels);
  return { data, width, height, channels };
}

/**
 * A picture without alpha, on the grey checkerboard that editors show behind it.
 * @param {Picture} picture
 * @returns {Picture}
 */
export function onSquares(picture) {
  const { data, width, height, channels } = picture;
  if (channels % 2) return picture;
  const colours = channels - 1;
  const out = new Uint8Array(width * height * colours);
  for (let y = 0, at = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      const share = data[at + colours] / 255;
      const behind = ((((x >> 3) + (y >> 3)) & 1 ? 210 : 238) * (1 - share)) + 0.5;
      for (let c = 0; c < colours; c++) out[to++] = data[at + c] * share + behind;
    }
  }
  return { data: out, width, height, channels: colours };
}
