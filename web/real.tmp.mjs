import * as ort from "onnxruntime-web";
import { readFileSync, writeFileSync } from "node:fs";
import { openNetwork } from "./src/engine/network.js";
import { deblur, blend } from "./src/engine/deblur.js";
const jobs = JSON.parse(readFileSync("/tmp/real/jobs.json"));
const model = new Uint8Array(readFileSync(process.env.MODEL ?? "/work/wt/engine/src/unblur/weights/default.onnx"));
const contract = {"multiple": 16, "smallest": 64, "tile": 1280, "overlap": 128, "gated": true, "measures_blur": true};
let t = performance.now();
const network = await openNetwork({ model, contract, ort, threads: 2 });
console.log("open", performance.now() - t);
for (const job of jobs) {
  t = performance.now();
  const p = { ...job.shape, data: new Uint8Array(readFileSync(job.file)) };
  let spent = 0; const run = network.run, measure = network.measure;
  const timed = (f) => async (b) => { const t0 = performance.now(); try { return await f(b); } finally { spent += performance.now() - t0; } };
  const n = { ...network, run: timed(run), measure: timed(measure) };
  const found = await deblur(n, p, job.options);
  const t1 = performance.now();
  const out = blend(p, found.change, 1);
  console.log(job.file, "s", ((t1 - t) / 1000).toFixed(2), "network", (spent / 1000).toFixed(2), "blend", (performance.now() - t1).toFixed(0), [...found.scales], found.unchanged, "rss", process.memoryUsage().rss >> 20);
  writeFileSync(job.file + ".out", out.data);
  writeFileSync(job.file + ".change", new Uint8Array(found.change.buffer));
}
await network.close();
process.exit(0);
