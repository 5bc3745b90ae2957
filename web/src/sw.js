// The service worker: keeps the site for use without a network, and adds the headers of
// headers.js where the host sends none.

import { HEADERS } from "./headers.js";

const scope = /** @type {any} */ (self);
// Written before this code by the build: all files, and a version that changes with any of them.
const { version, files } = scope.SITE;
const CACHE = `unblur-${version}`;

scope.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(scope.registration.scope)) {
    event.respondWith(response(url.replace(/[?#].*/, "")));
  }
});

/** Keeps all files of one version, or fails; open pages go on with the version before. */
async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll(files.map((/** @type {string} */ name) => new Request(name, { cache: "reload" })));
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("unblur-") && name !== CACHE) await caches.delete(name);
  }
  await scope.clients.claim();
}

/** @param {string} url */
async function response(url) {
  const cache = await caches.open(CACHE);
  let found = await cache.match(url.replace(/index\.html$/, ""));
  if (!found) {
    found = await fetch(url);
    // What only some visitors need, from its first use on.
    if (found.ok) await cache.put(url, found.clone());
  }
  const headers = new Headers(found.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(found.body, { status: found.status, headers });
}
