// The page in the browser: checks what it needs, becomes usable offline, and opens the page.

import { photos, start } from "../../src/unblur/serve/page/page.js";
import { Local } from "./local.js";

/** Other sites of this host share the storage. */
const RELOADED = `unblur ${location.pathname}`;

const studio = new Local(async () => {
  const lack = lacking();
  if (lack) throw new Error(`This page needs ${lack}.`);
  await keptOffline();
});
start(studio);

/** What the browser lacks, and what to do; "" if nothing. */
function lacking() {
  if (!isSecureContext) return "a secure address: open it by https, or on localhost";
  // Those that have all three have WebAssembly's SIMD too.
  const able =
    "WebAssembly" in self &&
    "CompressionStream" in self &&
    "throwIfAborted" in AbortSignal.prototype;
  return able ? "" : "a newer browser: Chrome or Edge 100, Firefox 114, Safari 16.4 or later";
}

/**
 * Installs the service worker, and waits until all files are kept.
 *
 * Where the host does not isolate the page from other sites, the service worker does, from the next
 * load on, which WebAssembly's threads need: the page is loaded again, once, if no photo is lost.
 * Without a service worker, as in private windows, all works but offline and on one thread.
 */
async function keptOffline() {
  try {
    const kept = await controlled();
    if (kept && !crossOriginIsolated && !photos.length && !sessionStorage.getItem(RELOADED)) {
      sessionStorage.setItem(RELOADED, "1");
      location.reload();
      await new Promise(() => {}); // until it is gone
    }
  } catch {
    // No service worker, or no storage.
  }
}

/** Whether the service worker answers for this page; waits while it is being installed. */
async function controlled() {
  const workers = navigator.serviceWorker;
  const { installing, active } = await workers.register("sw.js", { updateViaCache: "none" });
  // One that is active answers already, or is passed over on purpose, by Shift and a reload.
  if (installing && !active) {
    await new Promise((resolve) => {
      workers.addEventListener("controllerchange", resolve, { once: true });
      installing.addEventListener("statechange", () => {
        if (installing.state === "redundant") resolve(null);
      });
    });
  }
  return Boolean(workers.controller);
}
