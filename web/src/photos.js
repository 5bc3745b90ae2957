// The photos that the page has given, and what was made of each.

import { readPhoto } from "./photo/photo.js";

/** @import { Photo } from "./photo/photo.js" */
/** @import { Options } from "../../src/unblur/serve/page/page.js" */

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
export const photos = new Map();
export const limits = { maxPixels: 0 };

/** What was read last, and of what. @type {{of?: unknown, value?: Promise<any>}[]} */
const [pixels, changes] = [{}, {}];

/**
 * A photo's pixels.
 * @param {Pick<Held, "id"|"file">} held
 * @returns {Promise<Photo>}
 */
export function pixelsOf({ id, file }) {
  return last(pixels, id, async () => {
    const bytes = await file.arrayBuffer().catch(() => {
      throw new Error("cannot be read: it is a folder, or was changed, moved or deleted");
    });
    return readPhoto(new Uint8Array(bytes), file.name, limits);
  });
}

/**
 * @param {Result} result
 * @returns {Promise<Int16Array>} its change
 */
export function changeOf({ change }) {
  return last(changes, change, async () => new Int16Array(await change.arrayBuffer()));
}

/** @param {string} id */
export function found(id) {
  const held = photos.get(id);
  if (!held) throw new Error("The photo was removed.");
  return held;
}

/** @param {Held} held */
export function shown({ results }) {
  return results.at(-1);
}

/** @param {Result} result */
export function close(result) {
  URL.revokeObjectURL(result.after);
}

/** @param {string} id */
export function remove(id) {
  const held = photos.get(id);
  if (!held) return;
  photos.delete(id);
  held.running?.abort();
  held.results.forEach(close);
  URL.revokeObjectURL(held.about.thumb);
  URL.revokeObjectURL(held.about.before);
  pixels.of = changes.of = pixels.value = changes.value = undefined;
}

/**
 * Reads, unless it was read last; those who ask meanwhile wait for the same.
 * @template T
 * @param {{of?: unknown, value?: Promise<T>}} kept
 * @param {unknown} of
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
function last(kept, of, read) {
  if (kept.of === of && kept.value) return kept.value;
  const value = read();
  kept.of = of;
  kept.value = value;
  // What does not fit into the memory now may do so later.
  value.catch(() => {
    if (kept.value === value) kept.value = undefined;
  });
  return value;
}
