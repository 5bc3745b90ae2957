/** Where the tests have the codecs from. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const files = {
  jpeg: "@cornerstonejs/codec-libjpeg-turbo-8bit/wasm",
  webp: "@jsquash/webp/codec/dec/webp_dec.wasm",
};
/** @type {Record<string, Promise<WebAssembly.Module>>} */
const compiled = {};

/** @param {"jpeg" | "webp"} name */
export function modules(name) {
  const path = createRequire(import.meta.url).resolve(files[name]);
  compiled[name] ??= WebAssembly.compile(readFileSync(path));
  return compiled[name];
}
