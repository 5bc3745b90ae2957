// The worker of the photos: reads them, has the network deblur them one after the other, and makes
// the pictures that the page shows and the files that it saves.

import { answer } from "./calls.js";
import { blend, deblur } from "./engine/deblur.js";
import { tileFor } from "./engine/memory.js";
import { colourChannels } from "./engine/pixels.js";
import { scaleWords } from "./engine/words.js";
import { openBest } from "./open-network.js";
import { preview, readPhoto, setCodecs, writePhoto } from "./photo/photo.js";

/** @import { Network } from "./engine/network.js" */
/** @import { Pixels } from "./engine/pixels.js" */
/** @import { Photo } from "./photo/photo.js" */
/** @import { Options } from "../../src/unblur/serve/page/page.js" */

/** Largest side of the preview of the whole; what is seen closer comes in tiles. */
const BASE = 2048;
const THUMB = 160;
const TILE = 512;
const CODECS = { jpeg: "libjpegturbowasm.wasm", webp: "webp_dec.wasm" };
/** @type {Pick<Held, "state"|"progress"|"error">} */
const START = { state: "waiting", progress: 0, error: "" };

/**
 * A photo, and what was made of it. Its pixels are read anew when they are needed: only those of
 * the last one are held.
 * @typedef {object} Held
 * @property {string} id
 * @property {File} file
 * @property {any} about what the page is told of it, whatever becomes of it
 * @property {"waiting"|"working"|"done"|"failed"} state
 * @property {number} progress
 * @property {string} error
 * @property {Options} wanted
 * @property {Result[]} results of one scale, with and without `best`; the last one is shown
 * @property {AbortController} [running]
 */

/**
 * @typedef {object} Result
 * @property {Options} options
 * @property {Blob} change as `deblur` returns it
 * @property {string} after address of the preview
 * @property {boolean} unchanged
 * @property {string} scales in words
 */

/** @type {Map<string, Held>} */
const photos = new Map();
/** @type {Network} */
let network;
/** The codecs, as they are compiled at their first use. @type {Map<string, WebAssembly.Module>} */
const codecs = new Map();
/** @type {number} */
let side;
/** @type {number} */
let maxPixels;
let count = 0;
let busy = false;
/** The pixels of the photo that was last needed. @type {{id: string, photo: Photo}|null} */
let opened = null;
/** The change that was last needed. @type {{change: Blob, values: Int16Array}|null} */
let lastChange = null;

setCodecs(codec);
const tell = answer({ open, add, work, remove, tile, save });

/**
 * @param {string|null} engine "wasm" or "webgpu"; null: what there is
 */
async function open(engine) {
  /** In GiB; Chromium alone tells. @type {number|undefined} */
  const memory = /** @type {any} */ (navigator).deviceMemory;
  side = tileFor(CONTRACT, memory);
  maxPixels = (memory ?? 4) > 2 ? 100e6 : 24e6;
  network = await openBest(engine);
  return {
    models: [],
    blur: false,
    accept: [".jpg", ".jpeg", ".png", ".webp"],
    about: `JPEG, PNG, and WebP (comes back as PNG); up to ${maxPixels / 1e6} megapixels each`,
    limits: { bytes: 2 ** 30 },
  };
}

/**
 * Reads a photo, makes what the page shows of it before it is deblurred, and has it deblurred.
 * @param {File} file
 * @param {Options} options
 */
async function add(file, options) {
  const id = String(++count);
  const photo = await read(file);
  opened = { id, photo };
  const { width, height, details, notes, resultName } = photo;
  const large = Math.max(width, height) > BASE;
  const about = {
    id,
    name: file.name,
    width,
    height,
    details,
    notes,
    result: resultName,
    thumb: await pictureOf(photo, photo, THUMB),
    before: await pictureOf(photo, photo, BASE),
    base: Math.min(1, BASE / Math.max(width, height)),
    tile: TILE,
    tiles: large,
  };
  /** @type {Held} */
  const held = { ...START, id, file, about, wanted: options, results: [] };
  photos.set(id, held);
  runAll();
  return described(held);
}

/**
 * Deblurs every photo by these options; a result that there is already is shown again.
 * @param {Options} options
 */
function work(options) {
  for (const held of photos.values()) {
    if (same(held.wanted, options)) continue;
    held.running?.abort();
    held.wanted = options;
    held.error = "";
    const there = held.results.find((result) => same(result.options, options));
    held.state = there ? "done" : "waiting";
    if (there) held.results.push(...held.results.splice(held.results.indexOf(there), 1));
  }
  tellAll();
  runAll();
}

/** @param {string} id */
function remove(id) {
  const held = photos.get(id);
  if (!held) return;
  photos.delete(id);
  held.running?.abort();
  held.results.splice(0).forEach(close);
  URL.revokeObjectURL(held.about.thumb);
  URL.revokeObjectURL(held.about.before);
  if (opened?.id === id) opened = null;
}

/**
 * A tile of a large photo, or of its result at full strength, as a JPEG.
 * @param {string} id
 * @param {"before"|"after"} of
 * @param {number} x
 * @param {number} y
 */
async function tile(id, of, x, y) {
  const held = found(id);
  const photo = await pixelsOf(held);
  const result = of === "after" && shown(held);
  const whole = { ...photo, top: y * TILE, left: x * TILE };
  const before = cut(whole, photo.data, photo.channels);
  if (!result) return jpeg(before, photo);
  const change = cut(whole, await changeOf(result), colourChannels(photo.channels));
  return jpeg(blend(before, change.data, 1), photo);
}

/**
 * The file of a result, or a zip of several.
 * @param {string[]} ids
 * @param {number} strength 0 to 1
 */
async function save(ids, strength) {
  if (ids.length === 1) return fileOf(found(ids[0]), strength);
  const { downloadZip } = await import("client-zip");
  /** @type {Set<string>} */
  const names = new Set();
  async function* files() {
    for (const id of ids) {
      const { name, blob } = await fileOf(found(id), strength);
      yield { name: unused(name, names), input: blob };
    }
  }
  return { name: "unblur.zip", blob: await downloadZip(files()).blob() };
}

/**
 * @param {Held} held
 * @param {number} strength
 */
async function fileOf(held, strength) {
  const photo = await pixelsOf(held);
  const result = shown(held);
  if (!result) throw new Error(`${held.file.name} is not done yet.`);
  const { data } = blend(photo, await changeOf(result), strength);
  const unchanged = data.every((value, at) => value === photo.data[at]);
  const { bytes, type, name } = await writePhoto(photo, data, { unchanged });
  return { name, blob: blob(bytes, type) };
}

/** Deblurs the photos that wait, one after the other, in their order. */
async function runAll() {
  if (busy) return;
  busy = true;
  for (let held; (held = [...photos.values()].find(({ state }) => state === "waiting")); ) {
    await run(held);
    tellAll();
  }
  busy = false;
}

/** @param {Held} held */
async function run(held) {
  const options = held.wanted;
  const { signal } = (held.running = new AbortController());
  const report = (/** @type {number} */ begun, /** @type {number} */ total) => {
    held.progress = total ? begun / total : 0;
    tellAll();
  };
  Object.assign(held, { state: "working", progress: 0 });
  try {
    const photo = await pixelsOf(held);
    const scale = options.scale === "auto" ? "auto" : fraction(options.scale);
    const found = await deblur(network, photo, { scale, best: options.best, tile: side, report, signal });
    const after = blend(photo, found.change, 1);
    const result = {
      options,
      change: blob(found.change),
      after: await pictureOf(after, photo, BASE),
      unchanged: found.unchanged,
      scales: scaleWords(found.scales, scale !== "auto"),
    };
    if (signal.aborted) return close(result);
    // Those of another scale go: each takes memory.
    for (const other of held.results.filter((one) => one.options.scale !== options.scale)) {
      held.results.splice(held.results.indexOf(other), 1);
      close(other);
    }
    held.results.push(result);
    held.state = "done";
  } catch (error) {
    if (signal.aborted) return;
    Object.assign(held, { state: "failed", error: reason(error) });
  }
}

/** @param {keyof typeof CODECS} name */
async function codec(name) {
  let module = codecs.get(name);
  if (!module) {
    const file = await fetch(`lib/${CODECS[name]}`);
    module = await WebAssembly.compile(await file.arrayBuffer());
    codecs.set(name, module);
  }
  return module;
}

/** @param {File} file */
async function read(file) {
  return readPhoto(new Uint8Array(await file.arrayBuffer()), file.name, { maxPixels });
}

/** @param {Held} held */
async function pixelsOf({ id, file }) {
  if (opened?.id === id) return opened.photo;
  const photo = await read(file);
  opened = photos.has(id) ? { id, photo } : null;
  return photo;
}

/**
 * @param {ArrayBufferView} data
 * @param {string} [type]
 */
function blob(data, type) {
  return new Blob([/** @type {BlobPart} */ (data)], { type });
}

/** @param {Result} result */
async function changeOf({ change }) {
  if (lastChange?.change !== change) lastChange = { change, values: new Int16Array(await change.arrayBuffer()) };
  return lastChange.values;
}

/**
 * A tile of a photo's values.
 * @template {Uint8Array|Uint8ClampedArray|Int16Array} T
 * @param {{width: number, height: number, top: number, left: number}} of the photo's size, and where
 * @param {T} data (height, width, channels)
 * @param {number} channels
 */
function cut({ width, height, top, left }, data, channels) {
  const [columns, rows] = [Math.min(TILE, width - left), Math.min(TILE, height - top)];
  const out = new /** @type {any} */ (data.constructor)(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    const from = ((top + row) * width + left) * channels;
    out.set(data.subarray(from, from + columns * channels), row * columns * channels);
  }
  return { width: columns, height: rows, channels, data: /** @type {T} */ (out) };
}

/**
 * @param {Pixels} pixels
 * @param {Photo} photo
 * @param {number} [largest] side
 */
async function jpeg(pixels, photo, largest) {
  return blob(await preview(pixels, photo, largest), "image/jpeg");
}

/**
 * The address of a picture of them.
 * @param {Pixels} pixels
 * @param {Photo} photo
 * @param {number} largest side
 */
async function pictureOf(pixels, photo, largest) {
  return URL.createObjectURL(await jpeg(pixels, photo, largest));
}

/** @param {string} id */
function found(id) {
  const held = photos.get(id);
  if (!held) throw new Error("The photo was removed.");
  return held;
}

/** @param {Held} held */
function shown({ results }) {
  return results.at(-1);
}

/** @param {Result} result */
function close(result) {
  URL.revokeObjectURL(result.after);
}

function tellAll() {
  tell({ photos: [...photos.values()].map(described) });
}

/** @param {Held} held */
function described(held) {
  const { about, state, progress, error } = held;
  const before = [...photos.values()];
  before.length = before.indexOf(held);
  const result = shown(held);
  return {
    ...about,
    state,
    progress,
    error,
    place: before.filter((one) => one.state === "waiting" || one.state === "working").length,
    unchanged: result?.unchanged ?? false,
    measuring: false,
    blur: null,
    scales: result?.scales ?? "",
    after: result?.after ?? null,
  };
}

/**
 * @param {Options} one
 * @param {Options} other
 */
function same(one, other) {
  return one.best === other.best && one.scale === other.scale;
}

/** @param {string} text "1/2", for example */
function fraction(text) {
  const [above, below = 1] = text.split("/").map(Number);
  return above / below;
}

/**
 * @param {string} name
 * @param {Set<string>} names that are taken; the new one is added
 */
function unused(name, names) {
  const [, stem, ending] = name.match(/^(.*?)(\.[^.]*)?$/) ?? ["", name, ""];
  let made = name;
  for (let number = 2; names.has(made.toLowerCase()); number++) made = `${stem} (${number})${ending}`;
  names.add(made.toLowerCase());
  return made;
}

/** @param {unknown} error */
function reason(error) {
  const text = error instanceof Error ? error.message : String(error);
  return /memory|allocat|array length/i.test(text) ? "needs more memory than there is here" : text;
}
