// A pass over a photo at one scale, tile by tile (src/unblur/inference/passes.py).

import * as gate from "./gate.js";
import { fullSize } from "./pixels.js";
import { cellsAt, reduced } from "./resample.js";
import { runTiled, spans, upTo } from "./tiling.js";
import { addTurned, batchOf, turnsOf } from "./turns.js";

/** @typedef {import("./tiling.js").Range} Range */
/** @typedef {import("./tiling.js").Strip} Strip */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./scales.js").ScaleMap} ScaleMap */

/** What the full effect adds to a photo, computed at one scale and weighted by its share. */
export class Pass {
  /**
   * @param {Network} network
   * @param {Pixels} pixels
   * @param {number} scale
   * @param {ScaleMap} scales
   * @param {number} tile largest side given to the network at once, in pixels
   * @param {boolean} best whether to average over the eight turns and flips
   * @throws {RangeError} for a tile that is too small
   */
  constructor(network, pixels, scale, scales, tile, best) {
    this.scale = scale;
    /** The photo at this scale. */
    this.image = scale === 1 ? fullSize(pixels) : reduced(pixels, scale);
    this._network = network;
    this._scales = scales;
    this._turns = best ? 8 : 1;
    this._tile = tile;
    // A small tile is better with less overlap than refused.
    this._overlap = Math.min(network.contract.overlap, Math.floor(tile / 4));
    // The mask's cells and the network's strides have the same grid in every tile.
    this._grid = upTo(network.contract.multiple, gate.CELL);
    const rows = spans(this.image.height, tile, this._overlap, this._grid);
    const columns = spans(this.image.width, tile, this._overlap, this._grid);
    // The last tiles may be a little shorter: padded to the size of the first, all have one shape.
    // Turned ones are padded as little as possible.
    this._least = best ? { height: 1, width: 1 } : { height: rows[0].stop, width: columns[0].stop };
    // A picture that is one tile tells by itself how much of it is blurred.
    this._blurred = rows.length * columns.length === 1 ? null : scales.blurredShare;
    const used = rows.flatMap((y) => columns.filter((x) => this._share(y, x)));
    /** Runs of the network; tiles in which the scale has no share are left out. */
    this.runs = used.length * this._turns;
  }

  /** The changes at this scale, (rows, width, colours), full scale = 1.
   *
   * @param {() => Promise<void>} begin called before each run of the network
   * @returns {AsyncGenerator<Strip, void>} from top to bottom
   */
  strips(begin) {
    /** @param {Range} y @param {Range} x */
    const change = async (y, x) => {
      const share = this._share(y, x);
      if (!share) return null;
      const found = await this._change(y, x, begin);
      multiply(found, share, this.image.channels);
      return found;
    };
    return runTiled(change, this.image, this._tile, this._overlap, this._grid);
  }

  /** @param {Range} y @param {Range} x @returns {Float32Array | null} null: none at all */
  _share(y, x) {
    const share = this._scales.at(this.scale, y, x);
    return share.some(Boolean) ? share : null;
  }

  /** What the full effect adds to a tile's colours.
   *
   * @param {Range} y @param {Range} x @param {() => Promise<void>} begin
   */
  async _change(y, x, begin) {
    const { channels } = this.image;
    const [height, width] = [y.stop - y.start, x.stop - x.start];
    const colours = this.image.read(y, x);
    const { restored, sure, unsure } = await this._restored(colours, height, width, begin);
    const change = new Float32Array(colours.length);
    for (let c = 0, count = height * width; c < 3; c++) {
      for (let k = 0; k < count; k++) {
        const at = k * channels + (c % channels);
        const added = restored[c][k] / 2 + 0.5 - colours[at];
        change[at] += channels === 1 ? added / 3 : added;
      }
    }
    if (!this._network.contract.gated) return change;
    multiply(change, gate.changeMask(change, height, width, channels), channels);
    if (!this._network.contract.measures_blur) return change;
    // Where there is no texture to tell by, or noise, the picture seen from afar decides.
    const noise = gate.noisy(colours, height, width, channels);
    const plain = this._scales.blurredAt(this.scale, y, x, 0);
    const suspect = noise ? this._scales.blurredAt(this.scale, y, x, noise) : null;
    for (let k = 0; k < sure.length; k++) {
      const weight = sure[k] + unsure[k] * (plain ? plain[k] : 1);
      sure[k] = Math.max(weight, noise * (suspect ? suspect[k] : 1));
    }
    multiply(change, sure, channels);
    return change;
  }

  /** The restored picture, -1 to 1, and `gate.weights` at its pixels.
   *
   * @param {Float32Array} colours @param {number} height @param {number} width
   * @param {() => Promise<void>} begin
   */
  async _restored(colours, height, width, begin) {
    const { contract } = this._network;
    const sums = Array.from({ length: 5 }, () => new Float32Array(height * width));
    for (const turn of turnsOf(height, width).slice(0, this._turns)) {
      const batch = batchOf(colours, this.image.channels, turn, contract, this._least);
      await begin();
      const { restored, blur } = await this._network.run(batch);
      const size = batch.height * batch.width;
      for (let c = 0; c < 3; c++) {
        addTurned(sums[c], restored.subarray(c * size, (c + 1) * size), batch.width, turn);
      }
      if (!blur) continue;
      const rows = Math.ceil(turn.height / gate.CELL);
      const columns = Math.ceil(turn.width / gate.CELL);
      const share = this._blurred ?? gate.blurredShare(blur, rows, columns);
      const [down, across] = [{ start: 0, stop: turn.height }, { start: 0, stop: turn.width }];
      gate.weights(blur, share).forEach((cells, index) => {
        addTurned(sums[3 + index], cellsAt(cells, down, across, gate.CELL), turn.width, turn);
      });
    }
    if (this._turns > 1) {
      for (const sum of sums) for (let k = 0; k < sum.length; k++) sum[k] /= this._turns;
    }
    return { restored: sums.slice(0, 3), sure: sums[3], unsure: sums[4] };
  }
}

/** @param {Float32Array} values (pixels, channels); changed @param {Float32Array} by (pixels)
 * @param {number} channels */
function multiply(values, by, channels) {
  for (let k = 0, pixel = 0; pixel < by.length; pixel++) {
    for (let c = 0; c < channels; c++) values[k++] *= by[pixel];
  }
}
