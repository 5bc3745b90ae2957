import { deblur, blend } from "./src/engine/deblur.js";
const contract = {"multiple": 16, "smallest": 64, "tile": 1280, "overlap": 128, "gated": true, "measures_blur": true};
const blurOf = (b) => { const n = b.height * b.width / 256; const data = new Float32Array(6 * n); for (let k = 0; k < n; k++) { data[6*k] = 10 + 100 * (k > n/2); data[6*k+4] = 1; data[6*k+5] = 1; } return { height: b.height / 16, width: b.width / 16, data }; };
const network = { contract, provider: "wasm", run: async (b) => ({ restored: b.data, blur: blurOf(b) }), measure: async (b) => blurOf(b), close: async () => {} };
const [width, height] = [4000, 3000];
for (const [channels, scale] of [[3, 1], [4, 1], [3, "auto"], [3, 0.5]]) {
  const p = { width, height, channels, data: Uint8Array.from({ length: width * height * channels }, (_, k) => (k * 7919) >> 3 & 255) };
  if (channels === 4) for (let k = 3; k < p.data.length; k += 4) p.data[k] = k < 8e6 ? 0 : 255;
  const t = performance.now(); const r = await deblur(network, p, { scale }); const t1 = performance.now();
  blend(p, r.change, 1);
  console.log(channels, scale, "deblur", (t1 - t).toFixed(0), "blend", (performance.now() - t1).toFixed(0), [...r.scales.keys()], process.memoryUsage().rss >> 20);
}
