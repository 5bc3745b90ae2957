// The worker of the photos: reads them, has the network deblur them one after the other, and makes
// the pictures that the page shows and the files that it saves.

import { answer, connect } from "./calls.js";
import { blend, deblur } from "./engine/deblur.js";
import { tileSide } from "./engine/memory.js";
import { scalesInWords } from "./engine/words.js";
import { preview, readPhoto, writePhoto } from "./photo/photo.js";

/** @import { Options } from "../../src/unblur/serve/page/page.js" */

/** Largest side of the preview of the whole; what is seen closer comes in tiles. */
const BASE = 2048;
const THUMB = 160;
const TILE = 512;

/**
 * A photo, and what was made of it. Its pixels are read anew when they are needed: only those of
 * the last one are held.
 * @typedef {object} Held
 * @property {string} id
 * @property {File} file
 * @property {any} about what the page is told of it once
 * @property {"waiting"|"working"|"done"|"failed"} state
 * @property {number} progress
 * @property {string} error
 * @property {Options} [wanted]
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
/** @type {any} */
let network;
/** @type {number} */
let side;
/** @type {number} */
let maxPixels;
let count = 0;
let busy = false;
/** @type {{id: string, photo: any}|null} */
let opened = null;

const tell = answer({ open, add, work, remove, tile, save });

/**
 * @param {string|null} engine "wasm" or "webgpu"; null: what there is
 * @param {number} [memory] of the device, in GiB
 */
async function open(engine, memory) {
  side = tileSide(CONTRACT, memory);
  maxPixels = (memory ?? 8) > 4 ? 100e6 : 24e6;
  network = await openNetwork(engine);
  return {
    models: [],
    accept: [".jpg", ".jpeg", ".png", ".webp"],
    about: `JPEG, PNG, and WebP (comes back as PNG); up to ${maxPixels / 1e6} megapixels each`,
    limits: { bytes: 2 ** 30 },
  };
}
