// The page: the photos that were brought, what is shown of them, and what people do with it.
// What becomes of a photo is the business of a studio: a server's, or the browser's own.
// A document has one page, whose state this module holds.

import { arrivals } from "./arrivals.js";
import { showStrip } from "./strip.js";
import { attribute, fade, find, part, show, toggle } from "./viewer.js";

/**
 * What a studio takes.
 * @typedef {object} About
 * @property {string[]} models  names, the default first
 * @property {string[]} accept  extensions of files, for the file chooser
 * @property {string} about  a line on formats and limits
 * @property {{bytes: number}} limits  of a file
 * @property {boolean} [blur]  whether it measures blur and draws its map; it does by default
 */
/**
 * How photos are deblurred.
 * @typedef {{model: string, best: boolean, scale: string}} Options
 */
/**
 * A photo, as its studio sees it.
 * @typedef {object} PhotoState
 * @property {string} id  its key, as long as the page shows it
 * @property {string} name
 * @property {number} width  pixels
 * @property {number} height
 * @property {string} details  a line about the file
 * @property {"waiting" | "working" | "done" | "failed"} state
 * @property {number} progress  0 to 1
 * @property {number} place  how many photos come before it, while it waits
 * @property {boolean} unchanged  whether the result is the file itself
 * @property {string} error  why it failed, to follow its name
 * @property {boolean} measuring  whether `blur` is still to come
 * @property {{score: number, level: "sharp" | "soft" | "blurred", words: string, picture: string}
 *   | null} blur  `picture` is the map's address
 * @property {string} scales  words on the scales that it was worked at, or nothing
 * @property {string} notes  words on what the result does not have, or nothing
 * @property {string} result  name of the result's file, when it is done
 * @property {string | null} thumb  addresses of pictures
 * @property {string | null} before
 * @property {string | null} after
 * @property {number} base  width of `before` and `after` as a share of the photo's
 * @property {number} tile  side of a tile, in pixels
 * @property {import("./viewer.js").Tiles | null} tiles  of a photo that is larger than `before`
 */
/**
 * What a studio tells: of any photos whose `add` has resolved, that all photos are gone, or a
 * warning to be shown until the next one; "" ends it.
 * @typedef {{photos?: PhotoState[], lost?: boolean, warning?: string}} News
 */
/**
 * Deblurs photos.
 * @typedef {object} Studio
 * @property {(hear: (news: News) => void) => Promise<About>} open  rejects with a sentence to show
 * @property {(file: File, options: Options, sent: (share: number, words?: string) => void,
 *   signal: AbortSignal) => Promise<PhotoState>} add  `sent` tells the share that has been read, or
 *   what it waits for; rejects with words to follow the photo's name
 * @property {(options: Options) => void} work  deblurs every photo by these options; results that
 *   are there already are shown again
 * @property {(id: string) => void} remove
 * @property {(id: string, strength: number) => string | null} result  address of the result's file;
 *   null if `save` makes it
 * @property {(ids: string[], strength: number) => string | null} all  the same of a zip of many
 * @property {(ids: string[], strength: number) => Promise<{name: string, blob: Blob}>} [save]
 *   a file, or a zip of several; rejects with words to follow "The download failed: "
 */
/**
 * A photo of the page: before its studio has it, `file` is what was brought.
 * @typedef {Partial<Omit<PhotoState, "state">> & {key: number, name: string,
 *   state: PhotoState["state"] | "sending", file: File | null, doing: string, sent?: number,
 *   sending?: AbortController | null}} Entry
 */
/**
 * What happens to a photo, and how far it has come, 0 to 1; null if nobody knows.
 * @typedef {[words: string, share: number | null]} Doing
 */

const AT_ONCE = 2; // photos on their way to the studio

const input = /** @type {(selector: string) => HTMLInputElement} */ (part);
const files = input(".files");
const browser = part(".unblur").dataset.home === "browser";

/** @type {Studio} */
let studio;
/** @type {Entry[]} */
export const photos = [];
/** @type {number | null} */
let chosen = null;
/** @type {About | null} */
let about = null;
let closed = false; // whether the studio cannot be opened
let lost = false;
let keys = 0;
let said = "";

/**
 * Opens the page.
 * @param {Studio} given
 */
export function start(given) {
  studio = given;
  render();
  open();
}

// What comes in

async function open() {
  try {
    const found = await studio.open(hear);
    const models = found.models.map((name) => new Option(name, name));
    part(".model").replaceChildren(...models);
    part(".models").hidden = browser && models.length < 2;
    part(".tools .blur").hidden = part(".about-blur").hidden = found.blur === false;
    files.accept = found.accept.join(",");
    part(".limits").textContent = found.about;
    about = found;
  } catch (error) {
    closed = true;
    warn(message(error));
  }
  for (const photo of photos) photo.doing = "";
  render();
  send();
}

/** @param {News} news */
function hear({ photos: states = [], lost: gone, warning }) {
  const known = new Map(states.map((state) => [state.id, state]));
  for (const photo of photos) if (photo.id) Object.assign(photo, known.get(photo.id));
  if (gone) lose();
  else if (warning !== undefined) warn(warning);
  render();
}

function lose() {
  warn("This page was idle for long, and its photos are no longer on the server. Reload it to start again.");
  lost = true;
  for (const photo of photos) {
    if (!photo.id || !/waiting|working/.test(photo.state)) continue;
    fail(photo, "is no longer on the server");
  }
}

/** @param {Entry} photo @param {string} error  why, to follow its name */
function fail(photo, error) {
  photo.state = "failed";
  photo.error = error;
}

/** @param {Iterable<File>} given */
function add(given) {
  for (let file of given) {
    if (!file.name) file = new File([file], "pasted.png", { type: file.type });
    const doing = about || closed ? "" : "Getting ready";
    photos.push({ key: ++keys, name: file.name, file, state: "waiting", doing });
    chosen ??= keys;
  }
  render();
  send();
}

function send() {
  if (!about && !closed) return;
  const sending = photos.filter((photo) => photo.sending).length;
  const waiting = photos.filter((photo) => photo.file && !photo.sending);
  waiting.slice(0, Math.max(0, AT_ONCE - sending)).forEach(bring);
}

/** @param {Entry} photo */
async function bring(photo) {
  const { signal } = (photo.sending = new AbortController());
  const asked = options();
  try {
    const state = await take(photo, asked, signal);
    if (signal.aborted) studio.remove(state.id);
    else Object.assign(photo, state);
  } catch (error) {
    fail(photo, message(error));
  }
  photo.file = photo.sending = null;
  if (signal.aborted) return;
  render();
  send();
  if (JSON.stringify(asked) !== JSON.stringify(options())) work();
}

/**
 * @param {Entry} photo
 * @param {Options} asked
 * @param {AbortSignal} signal
 */
async function take(photo, asked, signal) {
  const { file } = photo;
  if (!about || !file) throw new Error("was not taken: the page could not start");
  const most = about.limits.bytes;
  if (file.size > most) throw new Error(`is larger than ${size(most)}, the most that is taken here`);
  return studio.add(file, asked, (sent, doing = "") => {
    if (!photo.file || signal.aborted) return;
    Object.assign(photo, { state: "sending", sent, doing });
    render();
  }, signal);
}

function work() {
  if (about) studio.work(options());
}

/** @param {number} key */
function choose(key) {
  chosen = key;
  said = "";
  render();
}

/** Removes some, shows what is left. @param {Entry[]} gone */
function remove(gone) {
  for (const photo of gone) {
    const at = photos.indexOf(photo);
    photos.splice(at, 1);
    photo.sending?.abort();
    if (photo.id) studio.remove(photo.id);
    if (chosen === photo.key) chosen = (photos[at] ?? photos[at - 1])?.key ?? null;
  }
  said = "";
  render();
  send();
  part(photos.length ? ".remove" : ".choose").focus();
}

// What is shown

const current = () => photos.filter((photo) => photo.key === chosen);
const done = () => photos.filter((photo) => photo.state === "done");
const strength = () => +input(".strength").value / 100;

/** @returns {Options} */
const options = () => ({
  model: input(".model").value,
  best: input(".best").checked,
  scale: input(".scale").value,
});

function render() {
  const [photo] = current();
  part(".unblur").dataset.state = photo ? "open" : "empty";
  part(".welcome").hidden = !!photo;
  part(".desk").hidden = part(".actions").hidden = !photo;
  showStrip(photos, chosen, doingOf, choose);
  if (!photo) return say("");
  renderStage(photo);
  renderPanel(photo);
}

/** @param {Entry} photo */
function renderStage(photo) {
  const { key, name, width, height = 0, state, error, after, unchanged } = photo;
  const busy = /sending|waiting|working/.test(state);
  const failed = state === "failed";
  show({ ...photo, id: key, ...(width ? { width, height } : { width: 3, height: 2 }) });
  fade(strength());
  toggle(part(".viewer"), "blank", !width);
  attribute(part(".stage"), "aria-busy", busy);
  const box = part(".busy");
  box.hidden = !busy;
  toggle(box, "again", busy && after);
  const [words, share] = doingOf(photo);
  const known = share !== null;
  part(".doing").textContent = busy ? `${words}${known ? ` ${percent(share)}` : ""}` : "";
  const meter = part(".meter");
  toggle(meter, "unknown", !known);
  attribute(meter, "aria-valuenow", known ? Math.round(share * 100) : null);
  find(meter, "i").style.width = `${100 * (share ?? 0)}%`;

  const notice = part(".notice");
  notice.hidden = !failed && !(state === "done" && unchanged);
  toggle(notice, "failed", failed);
  const [title, text] = notice.children;
  title.textContent = failed ? "This one did not work" : "Already sharp";
  text.textContent = failed
    ? `${name} ${error}.`
    : "Nothing in this photo needed help; its download is the very file you gave.";

  // A listener need not hear every percent.
  const quarter = known ? ` ${Math.floor(share * 4) * 25} %` : "";
  if (busy) say(`${name}: ${words}${quarter}`);
  else if (failed) say(`${name} ${error}`);
  else say(`${name}: ${unchanged ? "already sharp, unchanged" : "done"}`);
}

/** @param {Entry} photo */
function renderPanel({ id = "", name, details, blur, state, scales, notes, result }) {
  const ready = state === "done";
  const target = ready && result ? result : "";
  const told = percent(strength());
  const texts = { name, details, measured: blur?.words, scales: ready && scales, notes, percent: told, target };
  for (const [key, text] of Object.entries(texts)) part(`.${key}`).textContent = text || "";
  attribute(part(".strength"), "aria-valuetext", told);
  const download = part(".download");
  link(download, ready && studio.result(id, strength()));
  attribute(download, "aria-label", target ? `Download ${target}` : "Download");
  const ids = done().flatMap((photo) => photo.id ?? []);
  const all = part(".all");
  all.hidden = photos.length < 2;
  all.textContent = `Download all ${ids.length} as a zip`;
  link(all, !!ids.length && studio.all(ids, strength()));
  part(".remove").textContent = state === "failed" ? "Remove" : "Remove this photo";
}

/**
 * @param {Entry} photo
 * @returns {Doing}
 */
function doingOf({ state, doing, sent = 0, place, progress }) {
  if (state === "sending") return doing ? [doing, null] : [browser ? "Reading" : "Uploading", sent];
  if (state === "waiting") {
    return [doing || (place ? `Waiting, ${place} before it` : "Waiting for its turn"), null];
  }
  return state === "working" ? ["Deblurring", progress || null] : [state, 1];
}

/** @param {string} text  nothing takes the warning away; that the photos are lost stays */
function warn(text) {
  if (lost) return;
  const banner = part(".banner");
  banner.hidden = !text;
  if (banner.textContent !== text) banner.textContent = text;
}

/** @param {string} text  for a screen reader */
function say(text) {
  if (text !== said) part(".live").textContent = said = text;
}

// What people do

/** @type {[selector: string, type: string, act: (event: Event) => void][]} */
const HEARD = [
  [".choose", "click", () => files.click()],
  [".add", "click", () => files.click()],
  [".files", "change", () => {
    add([...(files.files ?? [])]);
    files.value = "";
  }],
  [".example", "click", example],
  [".remove", "click", () => remove(current())],
  [".clear", "click", () => remove([...photos])],
  [".strength", "input", () => {
    fade(strength());
    current().forEach(renderPanel);
  }],
  [".model", "change", work],
  [".best", "change", work],
  [".scale", "change", work],
  [".download", "click", (event) => save(event, current())],
  [".all", "click", (event) => save(event, done())],
];
for (const [selector, type, act] of HEARD) part(selector).addEventListener(type, act);
arrivals(part(".veil"), add);

/**
 * Hands over what the studio makes here; an address is the browser's own business.
 * @param {Event} event
 * @param {Entry[]} entries
 */
async function save(event, entries) {
  const anchor = /** @type {HTMLAnchorElement} */ (event.currentTarget);
  if (anchor.getAttribute("href") !== "#" || !studio.save) return;
  event.preventDefault();
  if (anchor.getAttribute("aria-busy")) return;
  attribute(anchor, "aria-busy", true);
  warn("");
  say("Making the download");
  try {
    const ids = entries.flatMap((photo) => photo.id ?? []);
    const { name, blob } = await studio.save(ids, strength());
    const made = document.createElement("a");
    made.href = URL.createObjectURL(blob);
    made.download = name;
    made.click();
    setTimeout(() => URL.revokeObjectURL(made.href), 60_000);
  } catch (error) {
    warn(`The download failed: ${message(error)}`);
  }
  attribute(anchor, "aria-busy", null);
}

async function example() {
  try {
    const image = /** @type {HTMLImageElement} */ (part(".example img"));
    const answer = await fetch(image.src);
    if (!answer.ok) throw new Error();
    add([new File([await answer.blob()], "example.jpg", { type: "image/jpeg" })]);
  } catch {
    warn("The example did not arrive: the connection broke.");
  }
}

/** @param {unknown} error */
function message(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/**
 * @param {Element} anchor
 * @param {string | null | false} address  null where a click makes the file; false if there is none
 */
function link(anchor, address) {
  attribute(anchor, "aria-disabled", address === false);
  attribute(anchor, "href", address === false ? null : address ?? "#");
}

/** @param {number} bytes */
function size(bytes) {
  return bytes >= 2 ** 20 ? `${Math.round(bytes / 2 ** 20)} MB` : `${Math.ceil(bytes / 1024)} kB`;
}
