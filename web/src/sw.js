// The service worker: keeps the site for use without a network, and adds headers where the host
// sends none.

const scope = /** @type {any} */ (self);
// Written by the build: the SHA-256 of each file, the names of those that not every visitor needs,
// the headers of every answer, and a version that changes with any of them.
scope.importScripts("files.js");
/** @type {Record<"files" | "headers", Record<string, string>> & {version: string, later: string[]}} */
const { version, files, later, headers } = scope.SITE;
const HERE = scope.registration.scope;
/** Other sites of this host may have caches too, other copies of this one among them. */
const NAME = `unblur ${HERE} `;
const CACHE = NAME + version;

scope.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !url.startsWith(HERE)) return;
  const name = url.slice(HERE.length).replace(/[?#].*|^index\.html\b.*/, "") || "./";
  if (name in files) event.respondWith(response(name));
});

/** Keeps all files of one version, or fails; open pages go on with the version before. */
async function install() {
  const cache = await caches.open(CACHE);
  const names = Object.keys(files).filter((name) => !later.includes(name));
  await cache.addAll(names.map(request));
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(NAME) && name !== CACHE) await caches.delete(name);
  }
  await scope.clients.claim();
}

/** @param {string} name */
async function response(name) {
  const cache = await caches.open(CACHE);
  let found = await cache.match(name);
  if (!found) {
    found = await fetch(request(name));
    // From its first use on; without room, it is fetched each time.
    if (found.ok) cache.put(name, found.clone()).catch(() => {});
  }
  const all = { ...Object.fromEntries(found.headers), ...headers };
  return new Response(found.body, { status: found.status, headers: all });
}

/**
 * Fails unless it is the file of this version.
 * @param {string} name
 */
function request(name) {
  return new Request(name, { cache: "reload", integrity: `sha256-${files[name]}` });
}
