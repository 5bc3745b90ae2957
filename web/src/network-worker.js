// The worker in which the network runs, so that the photos' worker can answer meanwhile.

import { answer } from "./calls.js";
import { openNetwork } from "./engine/network.js";

/** @import { Network } from "./engine/network.js" */
/** @import { Batch } from "./engine/turns.js" */

/** @type {Network} */
let network;

answer({
  /**
   * Loads the network, and checks that it is the one that the site was built with.
   * @param {"wasm"|"webgpu"} provider
   * @param {number} threads of WebAssembly
   */
  async open(provider, threads) {
    const model = await modelFile();
    const ort = await (provider === "webgpu"
      ? import("onnxruntime-web/webgpu")
      : import("onnxruntime-web/wasm"));
    const part = `lib/ort-wasm-simd-threaded${provider === "webgpu" ? ".asyncify" : ""}`;
    const [mjs, wasm] = [".js", ".wasm"].map((ending) => new URL(part + ending, location.href));
    ort.env.wasm.wasmPaths = { mjs, wasm };
    network = await openNetwork({ ort, model, contract: CONTRACT, provider, threads });
  },
  /** @param {Batch} batch */
  run: (batch) => network.run(batch),
});

async function modelFile() {
  const found = await fetch("default.onnx");
  if (!found.ok) throw new Error(`the network did not load: ${found.status}`);
  const model = new Uint8Array(await found.arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", model));
  const text = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (text !== MODEL_SHA256) throw new Error("the network is damaged: its checksum is wrong");
  return model;
}
