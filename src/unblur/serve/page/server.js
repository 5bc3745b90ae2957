// The studio of `unblur serve`: photos are deblurred by the server's API, each as a job, or as two.

import { Events } from "./events.js";
import { Photo, same } from "./jobs.js";
import { start } from "./page.js";
import { pause, refusal, send, SOON, upload } from "./requests.js";

/** @typedef {import("./page.js").Options} Options */
/** @typedef {import("./page.js").Studio} Studio */
/** @typedef {import("./jobs.js").Job} Job */
/** @typedef {import("./jobs.js").Run} Run */

const KEEP = 120; // seconds that photos stay after the page was left: a phone may come back to it
const FULL = "The server has no room for another run at the moment. It is tried again; removing photos helps.";
const AWAY = "The server cannot be reached at the moment.";

/** @implements {Studio} */
class Server {
  constructor() {
    /** @type {Map<string, Photo>} */
    this.photos = new Map();
    this.options = { model: "", best: false, scale: "" };
    /** @type {(news: import("./page.js").News) => void} */
    this.hear = () => {};
    this.asking = false;
    this.news = new AbortController(); // ends the pauses before something is tried again
    this.events = new Events(
      (job) => this.changed(job),
      (id) => this.gone(id),
      (there) => this.hear({ warning: there ? "" : AWAY }),
    );
  }

  /** @type {Studio["open"]} */
  async open(hear) {
    this.hear = hear;
    const { status, data } = await send("GET", "v1/about").catch(() => ({ status: 0, data: null }));
    if (status !== 200 || !data) throw new Error(`${AWAY} Reload the page to try again.`);
    const { models, limits, reads, writes } = data;
    const names = writes.map((/** @type {string} */ kind) => (kind === "webp" ? "WebP" : kind.toUpperCase()));
    if (reads.includes(".heic")) names.push("HEIC (comes back as JPEG)");
    const most = `${Math.round(limits.bytes / 2 ** 20)} MB and ${Math.round(limits.pixels / 1e6)} megapixels`;
    return { models, limits, accept: reads, about: `${names.join(", ")}; up to ${most} each` };
  }

  /** @type {Studio["add"]} */
  async add(file, options, sent, signal) {
    if (!file.size) throw new Error("is an empty file");
    const more = { view: "true", keep: String(KEEP), name: file.name };
    this.options = options;
    for (;;) {
      const asked = this.options; // others may have been chosen while it waited
      const address = `v1/jobs?${query(asked)}&${new URLSearchParams(more)}`;
      const answer = await upload(address, file, sent, signal);
      if (answer.status === 202 && answer.data) {
        return this.begin({ options: asked, job: answer.data });
      }
      if (answer.wait === null) throw new Error(refusal(answer));
      if (await this.spare()) continue;
      sent(0, "Waiting for room on the server");
      await pause(answer.wait, signal, this.news.signal);
      signal.throwIfAborted();
    }
  }

  /** @param {Run} run */
  begin(run) {
    const photo = new Photo(run);
    this.photos.set(photo.id, photo);
    this.follow();
    return photo.state;
  }

  /** @param {Options} options */
  work(options) {
    this.options = options;
    for (const photo of this.photos.values()) {
      if (same(photo.wanted, options)) continue;
      photo.wanted = options;
      photo.error = "";
      this.tell(photo);
    }
    this.wake();
    this.askAgain();
  }

  wake() {
    this.news.abort();
    this.news = new AbortController();
  }

  /** Asks for the runs that are wanted and not there, in the photos' order. */
  async askAgain() {
    if (this.asking) return;
    this.asking = true;
    let warned = false;
    for (;;) {
      const photo = [...this.photos.values()].find((one) => !one.run && !one.error);
      if (!photo) break;
      const options = photo.wanted;
      const address = `v1/jobs/${photo.runs[0].job.id}/again?${query(options)}`;
      const answer = await send("POST", address).catch(() => null);
      const there = this.photos.has(photo.id);
      if (answer?.status === 202) {
        if (there) photo.runs.push({ options, job: answer.data });
        else drop(answer.data.id);
      } else if (!answer || answer.wait !== null) {
        if (answer && (await this.spare())) continue;
        warned = true;
        this.hear({ warning: answer ? FULL : AWAY });
        await pause(answer?.wait ?? SOON, this.news.signal);
        continue;
      } else if (photo.wanted === options) {
        photo.error = refusal(answer);
      }
      if (there) this.tell(photo);
    }
    if (warned) this.hear({ warning: "" });
    this.asking = false;
  }

  /** Makes room on the server by a result that is not shown; returns whether there was one. */
  async spare() {
    for (const photo of this.photos.values()) {
      const { run, runs } = photo;
      const other = run?.job.state === "done" && runs.find((one) => one !== run);
      if (!run || !other) continue;
      photo.runs = [run];
      await drop(other.job.id);
      if (this.photos.has(photo.id)) this.tell(photo);
      return true;
    }
    return false;
  }

  /** @param {string} id */
  remove(id) {
    const photo = this.photos.get(id);
    this.photos.delete(id);
    const drops = (photo?.runs ?? []).map(({ job }) => drop(job.id));
    Promise.all(drops).then(() => this.wake()); // there is room again
    this.follow();
  }

  /**
   * @param {string} id
   * @param {number} strength
   */
  result(id, strength) {
    return `v1/jobs/${this.shown(id)}/result?strength=${strength}`;
  }

  /**
   * @param {string[]} ids
   * @param {number} strength
   */
  all(ids, strength) {
    return `v1/jobs/results.zip?ids=${ids.map((id) => this.shown(id))}&strength=${strength}`;
  }

  /** @param {string} id */
  shown(id) {
    return this.photos.get(id)?.shown?.job.id ?? id;
  }

  /** @param {Job} job */
  changed(job) {
    const photo = this.holds(job.id);
    if (!photo) return;
    for (const run of photo.runs) if (run.job.id === job.id) run.job = job;
    this.tell(photo);
    if (job.state === "done") this.wake(); // an earlier result of it may go
  }

  /** @param {string} id */
  gone(id) {
    const photo = this.holds(id);
    if (!photo) return;
    photo.runs = photo.runs.filter(({ job }) => job.id !== id);
    if (photo.shown?.job.id === id) photo.shown = photo.runs.findLast(({ job }) => job.state === "done");
    if (photo.runs.length) {
      this.tell(photo);
      this.askAgain();
      return;
    }
    this.photos.delete(photo.id);
    this.follow();
    this.hear({ lost: true });
  }

  /** @param {string} id  a job's */
  holds(id) {
    return [...this.photos.values()].find(({ runs }) => runs.some(({ job }) => job.id === id));
  }

  /** @param {Photo} photo */
  tell(photo) {
    for (const { job } of photo.tidy()) drop(job.id);
    this.follow();
    this.hear({ photos: [photo.state] });
  }

  follow() {
    const runs = [...this.photos.values()].flatMap((photo) => photo.runs);
    this.events.follow(runs.map(({ job }) => job.id));
  }
}

/** @param {Options} options */
function query({ model, best, scale }) {
  return new URLSearchParams({ model, best: String(best), scale });
}

/** @param {string} id  of a job to remove */
function drop(id) {
  return send("DELETE", `v1/jobs/${id}`).catch(() => {}); // it expires all the same
}

start(new Server());
