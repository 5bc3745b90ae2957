// What the server tells of jobs, as an event stream. That it is open also tells the server that the
// page is still there.

/** @typedef {import("./jobs.js").Job} Job */

const MOST = 200; // jobs of a stream
const SOON = 500; // milliseconds after which a broken stream is opened again; doubled each time
const LATEST = 15_000;
const FRESH = 60_000; // a connection may die without a word

export class Events {
  /**
   * @param {(job: Job) => void} job
   * @param {(id: string) => void} gone  hears of a job that there is no more
   * @param {(there: boolean) => void} reached  hears whether the server can be reached
   */
  constructor(job, gone, reached) {
    this.heard = { job, gone, reached };
    /** @type {string[]} */
    this.ids = [];
    /** @type {EventSource[]} */
    this.sources = [];
    this.failures = 0;
    this.timer = 0;
    // A phone cuts the connections of a page that is not looked at.
    document.addEventListener("visibilitychange", () => document.hidden || this.open());
    window.addEventListener("pageshow", () => this.open());
    window.addEventListener("online", () => this.open());
    setInterval(() => this.failures || this.open(), FRESH);
  }

  /** @param {string[]} ids  the jobs to hear of from now on */
  follow(ids) {
    if (String(ids) === String(this.ids)) return;
    this.ids = ids;
    this.later(0);
  }

  open() {
    this.close();
    if (!this.ids.length) this.mended();
    for (let at = 0; at < this.ids.length; at += MOST) {
      const source = new EventSource(`v1/jobs/events?ids=${this.ids.slice(at, at + MOST)}`);
      this.sources.push(source);
      source.addEventListener("job", ({ data }) => {
        this.mended();
        this.heard.job(JSON.parse(data));
      });
      source.addEventListener("gone", ({ data }) => this.heard.gone(JSON.parse(data).id));
      source.addEventListener("error", () => this.broken());
    }
  }

  /** Opens it again; the browser itself would not do so after an answer that is an error. */
  broken() {
    this.close();
    if (this.failures++) this.heard.reached(false);
    this.later(Math.min(LATEST, SOON * 2 ** (this.failures - 1)));
  }

  mended() {
    if (this.failures > 1) this.heard.reached(true);
    this.failures = 0;
  }

  /** @param {number} milliseconds */
  later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.open(), milliseconds);
  }

  close() {
    clearTimeout(this.timer);
    for (const source of this.sources) source.close();
    this.sources = [];
  }
}
