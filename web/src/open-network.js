// Opens the network in a worker of its own, by the fastest means that the browser has.

import { connect, reason } from "./calls.js";

/** @import { Network } from "./engine/network.js" */

/**
 * The network, in a worker of its own: by WebGPU where there is one, else by WebAssembly.
 * @param {string|null} engine to be used, "webgpu" or "wasm", whatever there is
 * @returns {Promise<Network>}
 */
export async function openBest(engine) {
  const asked = engine === "webgpu";
  if (engine !== "wasm") {
    try {
      if (asked || (await hasGpu())) return withReserve(await openNetwork("webgpu"));
    } catch (error) {
      if (asked) throw new Error(`WebGPU cannot be used: ${reason(error)}`, { cause: error });
      console.info(`WebGPU cannot be used (${error}); WebAssembly is.`);
    }
  }
  return openNetwork("wasm");
}

/**
 * @param {"webgpu"|"wasm"} provider
 * @returns {Promise<Network>}
 */
async function openNetwork(provider) {
  const worker = new Worker("network-worker.js", { type: "module" });
  const ask = connect(worker);
  // More threads than eight are no faster, and not every host isolates the page.
  const threads = crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  try {
    await ask("open", provider, threads);
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    contract: CONTRACT,
    provider,
    run: (batch) => ask("run", batch),
    close: async () => worker.terminate(),
  };
}

/**
 * A network that WebAssembly goes on with when the GPU fails: it may be lost at any time.
 * @param {Network} network
 * @returns {Network}
 */
function withReserve(network) {
  return {
    ...network,
    async run(batch) {
      try {
        return await network.run(batch);
      } catch (error) {
        if (network.provider === "wasm") throw error;
        network.close();
        network = await openNetwork("wasm");
        return network.run(batch);
      }
    },
  };
}

async function hasGpu() {
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter();
  return Boolean(adapter && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter));
}
