import * as ort from "onnxruntime-web";
import { readFileSync } from "node:fs";
const [,, path, prof, opts] = process.argv;
ort.env.wasm.numThreads = Number(process.env.THREADS ?? 2);
const o = { executionProviders: ["wasm"], enableProfiling: prof === "1", ...(opts ? JSON.parse(opts) : {}) };
let t = performance.now();
const s = await ort.InferenceSession.create(new Uint8Array(readFileSync(path)), o);
console.log("open", (performance.now() - t).toFixed(0));
const [h, w] = [720, 1280];
const x = new Float32Array(3 * h * w).map((_, j) => Math.sin(j * 0.37) * 0.5);
for (let i = 0; i < 4; i++) {
  t = performance.now();
  const out = await s.run({ image: new ort.Tensor("float32", x, [1, 3, h, w]) });
  const d = out.restored.data; let m = 0; for (let j = 0; j < d.length; j += 1000) m += d[j];
  console.log("run", (performance.now() - t).toFixed(0), m, "rss", process.memoryUsage().rss >> 20);
}
if (prof === "1") s.endProfiling();
process.exit(0);
