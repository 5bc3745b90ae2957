// The files that the page saves.

import { blend } from "./engine/deblur.js";
import { writePhoto } from "./photo/photo.js";
import { changeOf, found, pixelsOf, shown } from "./photos.js";

/**
 * The file of a result, or a zip of several.
 * @param {string[]} ids
 * @param {number} strength 0 to 1
 */
export async function save(ids, strength) {
  if (ids.length === 1) return fileOf(ids[0], strength);
  const { downloadZip } = await import("client-zip");
  /** @type {Set<string>} */
  const names = new Set();
  async function* files() {
    for (const id of ids) {
      const { name, blob } = await fileOf(id, strength);
      yield { name: unused(name, names), input: blob };
    }
  }
  return { name: "unblur.zip", blob: await downloadZip(files()).blob() };
}

/**
 * @param {string} id
 * @param {number} strength
 */
async function fileOf(id, strength) {
  const held = found(id);
  const result = shown(held);
  if (!result) throw new Error(`${held.file.name} is not done yet.`);
  const photo = await pixelsOf(held);
  const { data } = blend(photo, await changeOf(result), strength);
  const unchanged = data.every((value, at) => value === photo.data[at]);
  const { bytes, type, name } = await writePhoto(photo, data, { unchanged });
  return { name, blob: new Blob([/** @type {BlobPart} */ (bytes)], { type }) };
}

/**
 * @param {string} name
 * @param {Set<string>} names that are taken; the new one is added
 */
function unused(name, names) {
  const [, stem, ending] = name.match(/^(.*?)(\.[^.]*)?$/) ?? ["", name, ""];
  let made = name;
  for (let number = 2; names.has(made.toLowerCase()); number++) {
    made = `${stem} (${number})${ending}`;
  }
  names.add(made.toLowerCase());
  return made;
}
