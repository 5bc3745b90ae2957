/**
 * Reads every file of a folder as a photo, and writes beside NAME: NAME.raw, its pixels; NAME.out,
 * a photo with their inverse; NAME.same, one without a change; NAME.view, a preview of at most 64
 * pixels. Prints what was read, or the error, as JSON of a list for each name.
 *
 * node photo-cli.js FOLDER [MAX_PIXELS]
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { preview, readPhoto, setCodecs, writePhoto } from "../src/photo/photo.js";
import { modules } from "./photo-modules.js";

setCodecs(modules);
const [folder, most = "1e8"] = process.argv.slice(2);
/** @type {Record<string, Record<string, unknown>>} */
const told = {};
for (const name of readdirSync(folder)) {
  const path = join(folder, name);
  const start = performance.now();
  try {
    const photo = await readPhoto(new Uint8Array(readFileSync(path)), name, { maxPixels: +most });
    const { width, height, channels, data, icc, format, details, notes, resultName } = photo;
    const other = data.map((v, i) => (channels % 2 || (i + 1) % channels ? 255 - v : v));
    const made = await writePhoto(photo, other);
    writeFileSync(`${path}.raw`, data);
    writeFileSync(`${path}.out`, made.bytes);
    writeFileSync(`${path}.same`, (await writePhoto(photo, data, { unchanged: true })).bytes);
    writeFileSync(`${path}.view`, await preview({ data, width, height, channels }, photo, 64));
    const { type } = made;
    told[name] = { format, width, height, channels, icc: icc.length, details, notes, resultName, type };
  } catch (error) {
    // Anything but an Error would be a fault of the reader.
    told[name] = { error: error instanceof Error ? error.message : `threw ${error}` };
  }
  told[name].seconds = (performance.now() - start) / 1000;
}
console.log(JSON.stringify(told));
