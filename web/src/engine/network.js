// The network, run by onnxruntime-web.

import { CELL, PLANES } from "./gate.js";

/** @typedef {import("./gate.js").Planes} Planes */
/** @typedef {import("./turns.js").Batch} Batch */

/**
 * What the network requires of its input, as the property "unblur" of its ONNX file says
 * (src/unblur/inference/contract.py).
 * @typedef {object} Contract
 * @property {number} multiple height and width are multiples of this
 * @property {number} smallest least height and width, in pixels
 * @property {number} tile largest side that the network is given at once, in pixels
 * @property {number} overlap pixels that neighbouring tiles share
 * @property {boolean} gated whether places that it changes invisibly are left as they are
 * @property {boolean} measures_blur whether it measures blur
 */

/**
 * @typedef {object} Network
 * @property {Contract} contract
 * @property {string} provider what computes it: "webgpu" or "wasm"
 * @property {(batch: Batch) => Promise<{restored: Float32Array, blur: Planes | null}>} run returns
 *   the restored picture, as the batch, and the blur; the batch's data may be gone after
 * @property {(batch: Batch) => Promise<Planes>} measure returns the blur alone
 * @property {() => Promise<void>} close frees its memory
 */

/** Opens a network.
 *
 * @param {object} options
 * @param {Uint8Array} options.model the ONNX file
 * @param {Contract} options.contract
 * @param {typeof import("onnxruntime-web")} options.ort
 * @param {"wasm" | "webgpu"} [options.provider]
 * @param {number} [options.threads] of WebAssembly, which counts before the first network is
 *   opened; more than one needs a page that is isolated from other origins
 * @returns {Promise<Network>}
 * @throws {Error} if it cannot be opened, or (by the functions that run it) computed
 */
export async function openNetwork({ model, contract, ort, provider = "wasm", threads }) {
  if (threads) ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
  const [input] = session.inputNames;
  const names = contract.measures_blur ? ["restored", "blur"] : [session.outputNames[0]];

  /** @param {Batch} batch @param {string[]} wanted @returns {Promise<Float32Array[]>} */
  async function outputs({ data, height, width }, wanted) {
    const image = new ort.Tensor("float32", data, [1, 3, height, width]);
    const found = await session.run({ [input]: image }, wanted);
    const values = wanted.map((name) => /** @type {Float32Array} */ (found[name].data));
    for (const tensor of [image, ...Object.values(found)]) tensor.dispose();
    return values;
  }

  /** @param {Batch} batch @param {Float32Array} found @returns {Planes} */
  function planes({ height, width }, found) {
    const count = found.length / PLANES;
    const data = found.map((_, k) => found[(k % PLANES) * count + Math.floor(k / PLANES)]);
    return { height: height / CELL, width: width / CELL, data };
  }

  return {
    contract,
    provider,
    async run(batch) {
      const [restored, blur] = await outputs(batch, names);
      return { restored, blur: blur ? planes(batch, blur) : null };
    },
    async measure(batch) {
      return planes(batch, (await outputs(batch, ["blur"]))[0]);
    },
    close: () => session.release(),
  };
}
