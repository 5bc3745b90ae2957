// A photo of the page, over the jobs of the server that are made of it.

import { plain } from "./requests.js";

/** @typedef {import("./page.js").Options} Options */
/** @typedef {import("./page.js").PhotoState} PhotoState */
/**
 * What the page reads of the API's JobState.
 * @typedef {{id: string, state: "waiting" | "running" | "done" | "failed", progress: number,
 *   position: number, error: string | null, notes: string[], name: string, width: number | null,
 *   height: number | null, details: string | null, unchanged: boolean | null,
 *   blur: Omit<NonNullable<PhotoState["blur"]>, "picture"> | null, measuring: boolean,
 *   scales: string, result_name: string | null, pictures: Pictures | null}} Job
 */
/**
 * Addresses of a job's pictures.
 * @typedef {{thumb: string | null, before: string | null, after: string | null,
 *   blur: string | null, base: number, tile: number,
 *   tiles: {before: string, after: string} | null}} Pictures
 */
/** A job, and what was asked for.
 * @typedef {{options: Options, job: Job}} Run */

/** A photo, over the runs of the network on it: one that is wanted, and earlier ones. */
export class Photo {
  /** @param {Run} run  the first */
  constructor(run) {
    this.id = run.job.id;
    this.wanted = run.options;
    this.runs = [run];
    /** @type {Run | undefined} */
    this.shown = undefined; // the last that was wanted and done
    this.error = ""; // why there is no wanted run
  }

  /** The wanted run, if it was begun. */
  get run() {
    return this.runs.find(({ options }) => same(options, this.wanted));
  }

  /**
   * Chooses what is shown; returns the runs that nobody needs any more, and forgets them.
   *
   * Of one model and scale the run with and the one without `best` are kept, once they are done.
   */
  tidy() {
    const run = this.run;
    if (!run) return [];
    const done = run.job.state === "done";
    if (done) this.shown = run;
    const kept = (/** @type {Run} */ one) =>
      one === run || (one.job.state === "done" && (!done || same(one.options, run.options, true)));
    const [left, gone] = [this.runs.filter(kept), this.runs.filter((one) => !kept(one))];
    this.runs = left;
    return gone;
  }

  /** @returns {PhotoState} */
  get state() {
    const { run, shown, runs } = this;
    const job = (run ?? runs[0]).job;
    const [after, before] = [shown?.job.pictures, runs[0].job.pictures];
    const measured = runs.find((one) => one.job.blur && one.job.pictures?.blur)?.job;
    const tiles = {
      before: runs.find((one) => one.job.pictures?.tiles)?.job.pictures?.tiles?.before,
      after: after?.tiles?.after,
    };
    const error = this.error || (run?.job.error ? plain(run.job.error, "could not be done") : "");
    return {
      id: this.id,
      name: job.name,
      width: job.width ?? 0,
      height: job.height ?? 0,
      details: job.details ?? "",
      state: error ? "failed" : !run ? "waiting" : job.state === "running" ? "working" : job.state,
      progress: job.progress,
      place: run ? job.position : 0,
      unchanged: Boolean(job.unchanged),
      error,
      measuring: !measured && runs.some((one) => one.job.measuring),
      blur: measured?.blur ? { ...measured.blur, picture: measured.pictures?.blur ?? "" } : null,
      scales: job.scales,
      notes: noted(job.notes),
      result: job.result_name ?? "",
      thumb: before?.thumb ?? null,
      before: before?.before ?? null,
      after: after?.after ?? null,
      base: before?.base ?? 1,
      tile: before?.tile ?? 1,
      tiles: tiles.after ? (side, x, y) => `${tiles[side]}/${x}_${y}.jpg` : null,
    };
  }
}

/**
 * @param {Options} one
 * @param {Options} other
 * @param {boolean} [orBest]  whether `best` may differ
 */
export function same(one, other, orBest = false) {
  return (
    one.model === other.model && one.scale === other.scale && (orBest || one.best === other.best)
  );
}

/** @param {string[]} notes  "without the thumbnail", for example */
function noted(notes) {
  const lost = notes.map((note) => note.replace(/^without /, ""));
  return lost.length ? `Without ${new Intl.ListFormat("en-GB").format(lost)}` : "";
}
