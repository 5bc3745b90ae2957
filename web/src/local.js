// The studio of the browser's page: it gives photos to a worker, which deblurs them here.

import { connect } from "./calls.js";

/** @import { Ask } from "./calls.js" */
/** @import { About, News, Options, PhotoState, Studio } from "../../src/unblur/serve/page/page.js" */

/** Object URLs of tiles that are kept; the viewer shows up to 60 of each side. */
const TILES = 200;

/** @implements {Studio} */
export class Local {
  /**
   * @param {() => Promise<unknown>} ready resolves when the site's files are at hand
   */
  constructor(ready) {
    this.ready = ready;
    /** @type {string[]} */
    this.tiles = [];
    /** @type {Promise<Ask>} */
    this.worker = new Promise((resolve) => (this.begin = resolve));
  }

  /**
   * @param {(news: News) => void} hear
   * @returns {Promise<About>}
   */
  async open(hear) {
    await this.ready();
    const worker = new Worker("worker.js", { type: "module" });
    const ask = connect(worker, ({ photos }) => {
      hear({ photos: photos.map((/** @type {any} */ photo) => this.completed(photo)) });
    });
    const engine = new URLSearchParams(location.search).get("engine");
    const about = await ask("open", engine).catch(({ message }) => {
      throw new Error(`This page did not start (${message}). Load it again.`);
    });
    this.begin?.(ask);
    return about;
  }

  /**
   * @param {File} file
   * @param {Options} options
   * @returns {Promise<PhotoState>}
   */
  async add(file, options) {
    const ask = await this.worker;
    return this.completed(await ask("add", file, options));
  }

  /** @param {Options} options */
  work(options) {
    this.worker.then((ask) => ask("work", options));
  }

  /** @param {string} id */
  remove(id) {
    this.worker.then((ask) => ask("remove", id));
  }

  result() {
    return null;
  }

  all() {
    return null;
  }

  /**
   * @param {string[]} ids
   * @param {number} strength
   * @returns {Promise<{name: string, blob: Blob}>}
   */
  async save(ids, strength) {
    return (await this.worker)("save", ids, strength);
  }

  /**
   * A photo's state, with what the viewer asks of it.
   * @param {PhotoState & {tiles: any}} state
   * @returns {PhotoState}
   */
  completed(state) {
    return { ...state, tiles: state.tiles ? (...at) => this.tile(state.id, ...at) : null };
  }

  /**
   * @param {string} id
   * @param {"before"|"after"} side
   * @param {number} x
   * @param {number} y
   */
  async tile(id, side, x, y) {
    const url = URL.createObjectURL(await (await this.worker)("tile", id, side, x, y));
    this.tiles.push(url);
    if (this.tiles.length > TILES) URL.revokeObjectURL(this.tiles.shift() ?? "");
    return url;
  }
}
