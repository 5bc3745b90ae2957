// The network, run by onnxruntime-web.

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
 *   the restored picture, as the batch, and the blur
 * @property {() => Promise<void>} close frees its memory
 */

/** Opens a network.
 *
 * Its blur is not to be had alone: the runtime computes all outputs whichever are asked for.
 *
 * @param {object} options
 * @param {Uint8Array} options.model the ONNX file
 * @param {Contract} options.contract
 * @param {typeof import("onnxruntime-web")} options.ort
 * @param {"wasm" | "webgpu"} options.provider
 * @param {number} [options.threads] of WebAssembly, which counts before the first network is
 *   opened; more than one needs a page that is isolated from other origins
 * @returns {Promise<Network>}
 * @throws {Error} if it cannot be opened, or (by the functions that run it) computed
 */
export async function openNetwork({ model, contract, ort, provider, threads }) {
  if (threads) ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [provider],
    // Errors alone: that some of the work is done elsewhere than on the GPU is no warning.
    logSeverityLevel: 3,
  });

  /** @param {Batch} batch */
  async function run({ data, height, width }) {
    const image = new ort.Tensor("float32", data, [1, 3, height, width]);
    const found = await session.run({ [session.inputNames[0]]: image });
    const restored = /** @type {Float32Array} */ (found[session.outputNames[0]].data);
    const blur = contract.measures_blur ? planesOf(found.blur) : null;
    for (const tensor of [image, ...Object.values(found)]) tensor.dispose();
    return { restored, blur };
  }
  return { contract, provider, run, close: () => session.release() };
}

/** @param {import("onnxruntime-web").Tensor} found (1, planes, rows, columns) @returns {Planes} */
function planesOf({ data, dims: [, planes, height, width] }) {
  const found = /** @type {Float32Array} */ (data);
  const count = height * width;
  const values = found.map((_, k) => found[(k % planes) * count + Math.floor(k / planes)]);
  return { height, width, data: values };
}
