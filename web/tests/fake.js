// What the tests share: the vectors that Python wrote, and a network whose computation is known
// (tests/web/vectors.py).

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("../src/engine/network.js").Network} Network */

const folder = process.env.UNBLUR_VECTORS;

/** Options of tests that need the vectors. */
export const vectors = { skip: folder ? false : "UNBLUR_VECTORS names no folder" };

/** @type {Record<string, any[]> | undefined} */
let all;

/** @param {string} name @returns {any[]} the cases of a function */
export function cases(name) {
  all ??= JSON.parse(readFileSync(join(folder ?? "", "vectors.json"), "utf8"), decoded);
  return all?.[name] ?? [];
}

/** @param {any} planes (planes, height, width), as Python has them
 * @returns {import("../src/engine/gate.js").Planes} */
export function planesOf({ shape: [count, height, width], data }) {
  const size = height * width;
  const turned = data.map((/** @type {number} */ _, /** @type {number} */ k) =>
    data[(k % count) * size + Math.floor(k / count)],
  );
  return { height, width, data: turned };
}

/** @param {{shape: number[], data: Uint8Array}} array
 * @returns {import("../src/engine/pixels.js").Pixels} */
export function pixelsOf({ shape: [height, width, channels], data }) {
  return { height, width, channels, data };
}

/** @param {ArrayLike<number>} found @param {ArrayLike<number>} expected
 * @returns {number} the largest difference; infinite if they are not of one length */
export function difference(found, expected) {
  if (found.length !== expected.length) return Infinity;
  let most = 0;
  for (let k = 0; k < found.length; k++) most = Math.max(most, Math.abs(found[k] - expected[k]));
  return most;
}

/** A network that sharpens towards the left, and measures brightness.
 *
 * @param {boolean} [measured] whether it measures blur
 * @returns {Network}
 */
export function fake(measured = true) {
  /** @param {import("../src/engine/turns.js").Batch} batch */
  function measure({ height, width, data }) {
    const [rows, columns] = [height / 16, width / 16];
    const means = new Float64Array(rows * columns);
    data.forEach((value, k) => {
      const [y, x] = [Math.floor(k / width) % height, k % width];
      means[(y >> 4) * columns + (x >> 4)] += value / 768;
    });
    const planes = Array.from(means, (sum) => {
      const mean = sum / 2 + 0.5;
      const confidence = 0.5 + 0.5 * Math.sin(20 * mean);
      const weight = 0.5 + 0.5 * Math.cos(13 * mean);
      return [2 ** (9 * mean), 0, mean, 6 - 6 * mean, confidence, weight];
    });
    return { height: rows, width: columns, data: Float32Array.from(planes.flat()) };
  }
  return {
    contract: {
      multiple: 16,
      smallest: 16,
      tile: 512,
      overlap: 32,
      gated: true,
      measures_blur: measured,
    },
    provider: "wasm",
    async run(batch) {
      const { data, width } = batch;
      const restored = data.map((value, k) => 1.5 * value - 0.5 * data[k % width ? k - 1 : k]);
      return { restored, blur: measured ? measure(batch) : null };
    },
    close: async () => {},
  };
}

/** @param {string} _ @param {any} value */
function decoded(_, value) {
  if (typeof value?.data !== "string") return value;
  const bytes = Uint8Array.from(Buffer.from(value.data, "base64"));
  return { ...value, data: value.type === "uint8" ? bytes : new Float32Array(bytes.buffer) };
}
