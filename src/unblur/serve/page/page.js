// The page: the photos that were brought, what is shown of them, and what people do with it.
// What becomes of a photo is the business of a studio: a server's, or the browser's own.

import { arrivals } from "./arrivals.js";
import { Strip } from "./strip.js";
import { find, Viewer } from "./viewer.js";

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
 * @typedef {Omit<PhotoState, "state"> & {key: number, state: PhotoState["state"] | "sending",
 *   file: File | null, sending: AbortController | null, sent: number, doing: string}} Entry
 */

const AT_ONCE = 2; // photos on their way to the studio
const BLANK = {
  id: "",
  width: 0,
  height: 0,
  details: "",
  progress: 0,
  place: 0,
  unchanged: false,
  error: "",
  measuring: false,
  blur: null,
  scales: "",
  notes: "",
  result: "",
  thumb: null,
  before: null,
  after: null,
  base: 1,
  tile: 1,
  tiles: null,
  sending: null,
  sent: 0,
};

export class Page {
  /**
   * @param {HTMLElement} root  `.unblur` of page.html
   * @param {Studio} studio
   */
  constructor(root, studio) {
    this.root = root;
    this.studio = studio;
    this.taking = root.dataset.home === "browser" ? "Reading" : "Uploading";
    /** @type {Entry[]} */
    this.photos = [];
    /** @type {number | null} */
    this.chosen = null;
    /** @type {About | null} */
    this.about = null;
    this.closed = false; // whether the studio cannot be opened
    this.lost = false;
    this.keys = 0;
    this.said = "";
    this.viewer = new Viewer(root);
    this.strip = new Strip(this.part(".strip"), (key) => this.choose(key));
    this.listen();
    this.render();
    this.open();
  }

  /** @param {string} selector */
  part(selector) {
    return find(this.root, selector, HTMLElement);
  }

  /** @param {string} selector */
  input(selector) {
    return find(this.root, selector, HTMLInputElement);
  }

  /** @param {string} selector */
  select(selector) {
    return find(this.root, selector, HTMLSelectElement);
  }

  /** @param {string} selector */
  anchor(selector) {
    return find(this.root, selector, HTMLAnchorElement);
  }

  // What comes in

  async open() {
    try {
      const about = await this.studio.open((news) => this.hear(news));
      const models = about.models.map((name) => new Option(name, name));
      this.select(".model").replaceChildren(...models);
      this.part(".models").hidden = this.root.dataset.home === "browser" && models.length < 2;
      this.part(".tools .blur").hidden = this.part(".about-blur").hidden = about.blur === false;
      this.input(".files").accept = about.accept.join(",");
      this.part(".limits").textContent = about.about;
      this.about = about;
    } catch (error) {
      this.closed = true;
      this.warn(message(error));
    }
    for (const photo of this.photos) photo.doing = "";
    this.render();
    this.send();
  }

  /** @param {News} news */
  hear({ photos = [], lost, warning }) {
    const known = new Map(photos.map((photo) => [photo.id, photo]));
    for (const photo of this.photos) if (photo.id) Object.assign(photo, known.get(photo.id));
    if (lost) this.lose();
    else if (warning !== undefined && !this.lost) this.warn(warning);
    this.render();
  }

  lose() {
    this.lost = true;
    this.warn("This page was idle for long, and its photos are no longer on the server. Reload it to start again.");
    for (const photo of this.photos) {
      if (!["waiting", "working"].includes(photo.state) || !photo.id) continue;
      Object.assign(photo, { state: "failed", error: "is no longer on the server" });
    }
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const given of files) {
      const file = given.name ? given : new File([given], "pasted.png", { type: given.type });
      const doing = this.about || this.closed ? "" : "Getting ready";
      const key = ++this.keys;
      this.photos.push({ ...BLANK, key, name: file.name, file, state: "waiting", doing });
      this.chosen ??= key;
    }
    this.render();
    this.send();
  }

  send() {
    if (!this.about && !this.closed) return;
    const sending = this.photos.filter((photo) => photo.sending).length;
    const waiting = this.photos.filter((photo) => photo.file && !photo.sending);
    for (const photo of waiting.slice(0, Math.max(0, AT_ONCE - sending))) this.bring(photo);
  }

  /** @param {Entry} photo */
  async bring(photo) {
    const { signal } = (photo.sending = new AbortController());
    const options = this.options;
    try {
      const state = await this.take(photo, options, signal);
      if (signal.aborted) this.studio.remove(state.id);
      else Object.assign(photo, state);
    } catch (error) {
      Object.assign(photo, { state: "failed", error: message(error) });
    }
    photo.file = photo.sending = null;
    if (signal.aborted) return;
    this.render();
    this.send();
    if (JSON.stringify(options) !== JSON.stringify(this.options)) this.work();
  }

  /**
   * @param {Entry} photo
   * @param {Options} options
   * @param {AbortSignal} signal
   */
  async take({ file, key }, options, signal) {
    if (!this.about || !file) throw new Error("was not taken: the page could not start");
    const most = this.about.limits.bytes;
    if (file.size > most) throw new Error(`is larger than ${size(most)}, the most that is taken here`);
    /** @type {(share: number, words?: string) => void} */
    const sent = (share, words = "") => {
      const photo = this.photos.find((one) => one.key === key && one.file);
      if (!photo) return;
      Object.assign(photo, { state: "sending", sent: share, doing: words });
      this.render();
    };
    return this.studio.add(file, options, sent, signal);
  }

  work() {
    if (this.about) this.studio.work(this.options);
  }

  /** @param {number} key */
  choose(key) {
    this.chosen = key;
    this.said = "";
    this.render();
  }

  /** @param {Entry} photo */
  remove(photo) {
    const at = this.photos.indexOf(photo);
    this.forget(photo);
    if (this.chosen === photo.key) {
      this.chosen = (this.photos[at] ?? this.photos[at - 1])?.key ?? null;
    }
    this.rest();
  }

  clear() {
    for (const photo of [...this.photos]) this.forget(photo);
    this.chosen = null;
    this.rest();
  }

  /** @param {Entry} photo */
  forget(photo) {
    photo.sending?.abort();
    this.photos.splice(this.photos.indexOf(photo), 1);
    if (photo.id) this.studio.remove(photo.id);
  }

  /** Shows what is left after some went. */
  rest() {
    this.said = "";
    this.render();
    this.send();
    this.part(this.photos.length ? ".remove" : ".choose").focus();
  }

  // What is shown

  get current() {
    return this.photos.find((photo) => photo.key === this.chosen);
  }

  get done() {
    return this.photos.filter((photo) => photo.state === "done");
  }

  get strength() {
    return Number(this.input(".strength").value) / 100;
  }

  /** @returns {Options} */
  get options() {
    const [model, scale] = [this.select(".model").value, this.select(".scale").value];
    return { model, best: this.input(".best").checked, scale };
  }

  render() {
    const photo = this.current;
    this.root.dataset.state = photo ? "open" : "empty";
    this.part(".welcome").hidden = Boolean(photo);
    this.part(".desk").hidden = this.part(".actions").hidden = !photo;
    this.strip.show(this.photos, this.chosen, (one) => this.doing(one));
    if (!photo) {
      this.say("");
      return;
    }
    this.renderStage(photo);
    this.renderPanel(photo);
  }

  /** @param {Entry} photo */
  renderStage(photo) {
    const busy = ["sending", "waiting", "working"].includes(photo.state);
    const shape = photo.width ? {} : { width: 3, height: 2 };
    this.viewer.show({ ...photo, id: photo.key, ...shape });
    this.viewer.strength = this.strength;
    this.part(".viewer").classList.toggle("blank", !photo.width);
    this.part(".stage").setAttribute("aria-busy", String(busy));
    const box = this.part(".busy");
    box.hidden = !busy;
    box.classList.toggle("again", busy && Boolean(photo.after));
    const { words, share } = this.doing(photo);
    const told = share === null ? words : `${words} ${percent(share)}`;
    this.part(".doing").textContent = busy ? told : "";
    const meter = this.part(".meter");
    meter.classList.toggle("unknown", share === null);
    if (share === null) meter.removeAttribute("aria-valuenow");
    else meter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    find(meter, "i", HTMLElement).style.width = `${100 * (share ?? 0)}%`;
    this.renderNotice(photo);

    // A listener need not hear every percent.
    const quarter = share === null ? "" : ` ${Math.floor(share * 4) * 25} %`;
    if (busy) this.say(`${photo.name}: ${words}${quarter}`);
    else if (photo.state === "failed") this.say(`${photo.name} ${photo.error}`);
    else this.say(`${photo.name}: ${photo.unchanged ? "already sharp, unchanged" : "done"}`);
  }

  /** @param {Entry} photo */
  renderNotice(photo) {
    const notice = this.part(".notice");
    const failed = photo.state === "failed";
    notice.hidden = !failed && !(photo.state === "done" && photo.unchanged);
    notice.classList.toggle("failed", failed);
    this.part(".notice strong").textContent = failed ? "This one did not work" : "Already sharp";
    this.part(".notice span").textContent = failed
      ? `${photo.name} ${photo.error}.`
      : "Nothing in this photo needed help; its download is the very file you gave.";
  }

  /** @param {Entry} photo */
  renderPanel(photo) {
    const ready = photo.state === "done";
    this.part(".name").textContent = photo.name;
    this.part(".details").textContent = photo.details;
    this.part(".measured").textContent = photo.blur?.words ?? "";
    this.part(".scales").textContent = ready ? photo.scales : "";
    this.part(".notes").textContent = photo.notes;
    const strength = percent(this.strength);
    this.part(".percent").textContent = strength;
    this.input(".strength").setAttribute("aria-valuetext", strength);
    const download = this.anchor(".download");
    link(download, ready && this.studio.result(photo.id, this.strength));
    const target = ready ? photo.result : "";
    this.part(".target").textContent = target;
    download.setAttribute("aria-label", target ? `Download ${target}` : "Download");
    const done = this.done.map((one) => one.id);
    const all = this.anchor(".all");
    all.hidden = this.photos.length < 2;
    all.textContent = `Download all ${done.length} as a zip`;
    link(all, done.length > 0 && this.studio.all(done, this.strength));
    this.part(".remove").textContent = photo.state === "failed" ? "Remove" : "Remove this photo";
  }

  /**
   * What happens to a photo, and how far it has come; null if nobody knows.
   * @param {Entry} photo
   * @returns {{words: string, share: number | null}}
   */
  doing({ state, doing, sent, place, progress }) {
    if (state === "sending") return { words: doing || this.taking, share: doing ? null : sent };
    if (state === "waiting") {
      const turn = place > 0 ? `Waiting, ${place} before it` : "Waiting for its turn";
      return { words: doing || turn, share: null };
    }
    if (state === "working") return { words: "Deblurring", share: progress || null };
    return { words: state, share: 1 };
  }

  /** @param {string} text  nothing takes the warning away */
  warn(text) {
    const banner = this.part(".banner");
    banner.hidden = !text;
    if (banner.textContent !== text) banner.textContent = text;
  }

  /** @param {string} text  for a screen reader */
  say(text) {
    if (text === this.said) return;
    this.said = text;
    this.part(".live").textContent = text;
  }

  // What people do

  listen() {
    /** @type {(selector: string, type: string, act: (event: Event) => void) => void} */
    const on = (selector, type, act) => this.part(selector).addEventListener(type, act);
    const files = this.input(".files");
    const choose = () => files.click();
    on(".choose", "click", choose);
    on(".add", "click", choose);
    on(".files", "change", () => {
      this.add([...(files.files ?? [])]);
      files.value = "";
    });
    on(".example", "click", () => this.example());
    on(".remove", "click", () => this.current && this.remove(this.current));
    on(".clear", "click", () => this.clear());
    on(".strength", "input", () => {
      this.viewer.strength = this.strength;
      if (this.current) this.renderPanel(this.current);
    });
    for (const choice of [".model", ".best", ".scale"]) on(choice, "change", () => this.work());
    on(".download", "click", (event) => this.save(event, this.current ? [this.current] : []));
    on(".all", "click", (event) => this.save(event, this.done));
    arrivals(this.part(".veil"), (brought) => this.add(brought));
  }

  /**
   * Hands over what the studio makes here; an address is the browser's own business.
   * @param {Event} event
   * @param {Entry[]} photos
   */
  async save(event, photos) {
    const anchor = /** @type {HTMLAnchorElement} */ (event.currentTarget);
    if (anchor.getAttribute("href") !== "#" || !this.studio.save) return;
    event.preventDefault();
    if (anchor.getAttribute("aria-busy")) return;
    anchor.setAttribute("aria-busy", "true");
    this.warn("");
    this.say("Making the download");
    try {
      const ids = photos.map((photo) => photo.id);
      const { name, blob } = await this.studio.save(ids, this.strength);
      const made = document.createElement("a");
      made.href = URL.createObjectURL(blob);
      made.download = name;
      made.click();
      setTimeout(() => URL.revokeObjectURL(made.href), 60_000);
    } catch (error) {
      this.warn(`The download failed: ${message(error)}`);
    }
    anchor.removeAttribute("aria-busy");
  }

  async example() {
    try {
      const answer = await fetch(find(this.root, ".example img", HTMLImageElement).src);
      if (!answer.ok) throw new Error();
      this.add([new File([await answer.blob()], "example.jpg", { type: "image/jpeg" })]);
    } catch {
      this.warn("The example did not arrive: the connection broke.");
    }
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
 * @param {HTMLAnchorElement} anchor
 * @param {string | null | false} address  null where a click makes the file; false if there is none
 */
function link(anchor, address) {
  anchor.setAttribute("aria-disabled", String(address === false));
  if (address === false) anchor.removeAttribute("href");
  else anchor.setAttribute("href", address ?? "#");
}

/** @param {number} bytes */
function size(bytes) {
  return bytes >= 2 ** 20 ? `${Math.round(bytes / 2 ** 20)} MB` : `${Math.ceil(bytes / 1024)} kB`;
}
