// The worker of the photos: reads them, and has the network deblur them one after the other.

import { answer, reason } from "./calls.js";
import { blend, deblur } from "./engine/deblur.js";
import { tileFor } from "./engine/memory.js";
import { scaleWords } from "./engine/words.js";
import { openBest } from "./open-network.js";
import { setCodecs } from "./photo/photo.js";
import { close, limits, photos, pixelsOf, remove, shown } from "./photos.js";
import { TILE, pictureOf, tile } from "./pictures.js";
import { save } from "./save.js";

/** @import { Network } from "./engine/network.js" */
/** @import { Held } from "./photos.js" */
/** @import { Options } from "../../src/unblur/serve/page/page.js" */

/** Largest side of the preview of the whole; what is seen closer comes in tiles. */
const BASE = 2048;
const THUMB = 160;
const CODECS = { jpeg: "libjpegturbowasm.wasm", webp: "webp_dec.wasm" };

/** @type {Network} */
let network;
/** The codecs, as they are compiled at their first use. @type {Record<string, WebAssembly.Module>} */
const codecs = {};
/** @type {number} */
let side;
let count = 0;
let busy = false;

setCodecs(codec);
const tell = answer({ open, add, work, remove, tile, save });

/**
 * @param {string|null} engine "wasm" or "webgpu"; null: what there is
 */
async function open(engine) {
  /** In GiB; Chromium alone tells. @type {number|undefined} */
  const memory = /** @type {any} */ (navigator).deviceMemory;
  side = tileFor(CONTRACT, memory);
  const most = (limits.maxPixels = (memory ?? 4) > 2 ? 100e6 : 24e6);
  network = await openBest(engine);
  return {
    models: [],
    blur: false,
    accept: [".jpg", ".jpeg", ".png", ".webp"],
    about: `JPEG, PNG, and WebP (comes back as PNG); up to ${most / 1e6} megapixels each`,
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
  const photo = await pixelsOf({ id, file });
  const { width, height, details, notes, resultName } = photo;
  const longest = Math.max(width, height);
  const about = {
    id,
    name: file.name,
    width,
    height,
    details,
    notes: notes.length ? `Without ${new Intl.ListFormat("en-GB").format(notes)}` : "",
    result: resultName,
    thumb: await pictureOf(photo, photo, THUMB),
    before: await pictureOf(photo, photo, BASE),
    base: Math.min(1, BASE / longest),
    tile: TILE,
    tiles: longest > BASE,
  };
  /** @type {Pick<Held, "state"|"progress"|"error">} */
  const start = { state: "waiting", progress: 0, error: "" };
  const held = { ...start, id, file, about, wanted: options, results: [] };
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
    // "1", "1/2" and so on.
    const scale = options.scale === "auto" ? "auto" : 1 / (Number(options.scale.slice(2)) || 1);
    const { best } = options;
    const found = await deblur(network, photo, { scale, best, tile: side, report, signal });
    const after = blend(photo, found.change, 1);
    const result = {
      options,
      change: new Blob([/** @type {BlobPart} */ (found.change)]),
      after: await pictureOf(after, photo, BASE),
      // A WebP becomes a PNG all the same.
      unchanged: found.unchanged && photo.format !== "webp",
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
  const load = async () => (await fetch(`lib/${CODECS[name]}`)).arrayBuffer();
  return (codecs[name] ??= await WebAssembly.compile(await load()));
}

function tellAll() {
  tell({ photos: [...photos.values()].map(described) });
}

/** @param {Held} held */
function described(held) {
  const { about, state, progress, error } = held;
  const all = [...photos.values()];
  const result = shown(held);
  return {
    ...about,
    state,
    progress,
    error,
    place: all.filter((one, at) => at < all.indexOf(held) && /^w/.test(one.state)).length,
    unchanged: result?.unchanged ?? false,
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
