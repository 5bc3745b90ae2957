import * as ort from "onnxruntime-web";
import { readFileSync } from "node:fs";
ort.env.wasm.numThreads = 2;
const s = await ort.InferenceSession.create(new Uint8Array(readFileSync("/tmp/spike/default.onnx")), { executionProviders: ["wasm"] });
const [h, w] = [720, 960];
const x = new Float32Array(3 * h * w).map((_, j) => Math.sin(j * 0.37) * 0.5);
for (let i = 0; i < 3; i++) for (const names of [["restored", "blur"], ["blur"]]) {
  const t = performance.now();
  await s.run({ image: new ort.Tensor("float32", x, [1, 3, h, w]) }, names);
  console.log(names.join(), (performance.now() - t).toFixed(0));
}
process.exit(0);
