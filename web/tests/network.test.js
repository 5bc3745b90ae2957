import assert from "node:assert/strict";
import test from "node:test";

import { tileFor } from "../src/engine/memory.js";
import { openNetwork } from "../src/engine/network.js";

const contract = {
  multiple: 16,
  smallest: 64,
  tile: 1280,
  overlap: 128,
  gated: true,
  measures_blur: true,
};

/** What is used of onnxruntime-web: a network whose blur is its place in the output. */
function runtime() {
  /** @type {any[]} */
  const disposed = [];
  class Tensor {
    /** @param {string} type @param {Float32Array} data @param {number[]} dims */
    constructor(type, data, dims) {
      Object.assign(this, { type, data, dims });
    }
    dispose() {
      disposed.push(this);
    }
  }
  const session = {
    inputNames: ["image"],
    outputNames: ["restored", "blur"],
    /** @param {{image: any}} feeds */
    run: async ({ image: { data, dims } }) => {
      const [, , height, width] = dims;
      const blur = Float32Array.from({ length: (6 * height * width) / 256 }, (_, k) => k);
      const of = [1, 6, height / 16, width / 16];
      return { restored: new Tensor("float32", data, dims), blur: new Tensor("float32", blur, of) };
    },
    release: async () => {},
  };
  /** @type {any} */
  const ort = {
    Tensor,
    env: { wasm: {} },
    InferenceSession: {
      /** @param {Uint8Array} model @param {any} options */
      create: async (model, options) => {
        if (!model.length) throw new Error("no model");
        ort.options = options;
        return session;
      },
    },
  };
  return { ort, disposed };
}

test("a run gives the picture and the planes, and frees the tensors", async () => {
  const { ort, disposed } = runtime();
  const model = new Uint8Array(1);
  const network = await openNetwork({ model, contract, ort, provider: "webgpu", threads: 2 });
  assert.deepEqual(ort.options.executionProviders, ["webgpu"]);
  assert.equal(ort.env.wasm.numThreads, 2);
  assert.equal(network.provider, "webgpu");
  const data = new Float32Array(3 * 32 * 48);
  const { restored, blur } = await network.run({ height: 32, width: 48, data });
  assert.equal(restored, data);
  assert.deepEqual([blur?.height, blur?.width], [2, 3]);
  // The six planes of the second cell.
  assert.deepEqual([...(blur?.data.subarray(6, 12) ?? [])], [1, 7, 13, 19, 25, 31]);
  assert.equal(disposed.length, 3);
});

test("a model that cannot be opened is an error", async () => {
  const { ort } = runtime();
  const model = new Uint8Array();
  await assert.rejects(openNetwork({ model, contract, ort, provider: "wasm" }), /no model/);
});

test("tiles are smaller where there is little memory, and never larger than the network's", () => {
  const sides = [0.25, 1, 2, 4, 8, undefined].map((memory) => tileFor(contract, memory));
  assert.deepEqual([...sides.slice(0, 2), ...sides.slice(3)], [384, 384, 1280, 1280, 1280]);
  assert.ok(sides[2] > 384 && sides[2] < 1280);
  assert.equal(tileFor({ ...contract, tile: 256 }, 1), 256);
});
