/** The codecs, which are WebAssembly. Their memory never shrinks: each call has an instance. */

import turbo from "@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs";
import webp from "@jsquash/webp/codec/dec/webp_dec.js";
import { refuse } from "./bytes.js";

/** @typedef {import("./pixels.js").Picture} Picture */

/** @type {(name: "jpeg" | "webp") => Promise<WebAssembly.Module>} */
let load;

/**
 * Says where the modules come from; before anything else of this folder is called.
 * @param {typeof load} loader called at each use; it should keep what it has compiled
 */
export function setCodecs(loader) {
  load = loader;
}

/**
 * Decodes a JPEG as the command line does, by libjpeg-turbo.
 * @param {Uint8Array} file without metadata but for JFIF's and Adobe's segments
 * @returns {Promise<Picture>}
 * @throws {PhotoError} if it is damaged
 */
export async function decodeJpeg(file) {
  const decoder = new (await instance("jpeg", turbo)).JPEGDecoder();
  decoder.getEncodedBuffer(file.length).set(file);
  try {
    decoder.decode();
  } catch (error) {
    if (typeof error !== "number") throw error; // of the memory
    // It ends like this at a mere warning too, but with all pixels: those not reached are zero.
    const last = decoder.getDecodedBuffer().subarray(-decoder.getFrameInfo().width);
    if (!last.some(Boolean)) refuse();
  }
  const { componentCount: channels, ...size } = decoder.getFrameInfo();
  return { ...size, data: decoder.getDecodedBuffer(), channels };
}

/**
 * Encodes a JPEG without chroma sub-sampling; of grey, too, unless it has very few pixels.
 * @param {Picture} picture grey or RGB
 * @param {number} quality 1 to 100
 * @param {boolean} [progressive]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function encodeJpeg({ data, width, height, channels }, quality, progressive = false) {
  // The encoder's output gets the room that the samples are said to take. It needs that of
  // `tjBufSize`, as noise gets larger than its pixels, and a grey sample is said to be one byte.
  const room = ((width + 7) & ~7) * ((height + 7) & ~7) * 6 + 2048;
  const each = Math.ceil(room / (width * height));
  const grey = channels < 2 && each < 32;
  const componentCount = grey ? 1 : Math.min(255, each);
  const bitsPerSample = 8 * Math.ceil(each / componentCount);
  const encoder = new (await instance("jpeg", turbo)).JPEGEncoder();
  encoder.setQuality(quality);
  encoder.setSubSampling(0);
  encoder.setProgressive(progressive);
  encoder
    .getDecodedBuffer({ width, height, bitsPerSample, componentCount, isSigned: false })
    .set(grey || channels > 1 ? data : [...data].flatMap((value) => [value, value, value]));
  encoder.encode();
  return new Uint8Array(encoder.getEncodedBuffer().buffer);
}

/**
 * Decodes a WebP.
 * @param {Uint8Array} file
 * @returns {Promise<Picture>} RGBA
 * @throws {PhotoError} if it is damaged
 */
export async function decodeWebp(file) {
  const { data, width, height } = (await instance("webp", webp)).decode(file) ?? refuse();
  return { data, width, height, channels: 4 };
}

/**
 * @param {Parameters<typeof load>[0]} name
 * @param {(options: object) => Promise<any>} factory
 */
async function instance(name, factory) {
  const module = await load(name).catch(() =>
    refuse("cannot be read: a part of this page did not load; load it anew"),
  );
  return factory({
    noInitialRun: true,
    printErr() {},
    /** @type {(imports: WebAssembly.Imports, done: (made: WebAssembly.Instance) => void) => object} */
    instantiateWasm(imports, done) {
      const made = new WebAssembly.Instance(module, imports);
      done(made);
      return made.exports;
    },
  });
}
