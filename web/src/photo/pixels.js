/** Pixels: turned upright, reduced, shown without transparency. */

/**
 * @typedef {object} Picture
 * @property {Uint8Array | Uint8ClampedArray} data interleaved, row by row
 * @property {number} width
 * @property {number} height
 * @property {number} channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA (not premultiplied)
 */

/**
 * A copy that is upright and has as many channels.
 * @param {Picture} picture
 * @param {number} orientation of EXIF, 1 to 8
 * @param {number} [channels] fewer than the picture's: the first ones are kept
 * @returns {Picture & {data: Uint8Array}}
 */
export function upright({ data, width, height, channels: from }, orientation, channels = from) {
  const turned = orientation > 4;
  const out = new Uint8Array(width * height * channels);
  // How far the source moves by a step across, and by one down, in the upright picture.
  const mirrored = "2378".includes(`${orientation}`);
  const flipped = "3467".includes(`${orientation}`);
  const across = mirrored ? -from : from;
  const down = (flipped ? -from : from) * width;
  const [step, next] = turned ? [down, across] : [across, down];
  const [w, h] = turned ? [height, width] : [width, height];
  let line = ((mirrored ? width - 1 : 0) + (flipped ? height - 1 : 0) * width) * from;
  for (let y = 0, to = 0; y < h; y++, line += next) {
    for (let x = 0, at = line; x < w; x++, at += step) {
      for (let c = 0; c < channels; c++) out[to++] = data[at + c];
    }
  }
  return { data: out, width: w, height: h, channels };
}

/**
 * A picture whose larger side is at most `side`: each pixel is the mean of the area it covers.
 * @param {Picture} picture
 * @param {number} side
 * @returns {Picture}
 */
export function reduced(picture, side) {
  const { data, width, height, channels } = picture;
  const scale = side / Math.max(width, height);
  if (scale >= 1) return picture;
  const w = Math.max(1, Math.round(width * scale));
  const h = Math.max(1, Math.round(height * scale));
  const out = new Uint8Array(w * h * channels);
  const row = width * channels;
  const sum = new Float32Array(row);
  const line = new Float32Array(w * channels);
  for (let y = 0; y < h; y++) {
    // First down, where memory is read in order, then across the one row that is left.
    const [top, bottom] = [(y * height) / h, ((y + 1) * height) / h];
    sum.fill(0);
    for (let from = Math.floor(top); from < bottom && from < height; from++) {
      const share = (Math.min(bottom, from + 1) - Math.max(top, from)) / (bottom - top);
      for (let i = 0, at = from * row; i < row; i++, at++) sum[i] += data[at] * share;
    }
    line.fill(0.5);
    for (let x = 0; x < width; x++) {
      const place = (x * w) / width;
      const first = Math.floor(place);
      const beyond = Math.max(0, place + w / width - first - 1);
      const share = w / width - beyond;
      for (let c = 0; c < channels; c++) {
        const value = sum[x * channels + c];
        line[first * channels + c] += value * share;
        if (first + 1 < w) line[(first + 1) * channels + c] += value * beyond;
      }
    }
    for (let i = 0; i < line.length; i++) out[y * line.length + i] = line[i];
  }
  return { data: out, width: w, height: h, channels };
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
