// Writes the site: the page, the network and what runs it, as static files for any web server.
//
//     node build.js [FOLDER]      by default ../site
//
// Our own code is bundled by esbuild into main.js, worker.js, network-worker.js, what they share,
// and sw.js; each library that it imports becomes a file of its own in lib/.

import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import esbuild from "esbuild";

import { metadata } from "./onnx-metadata.js";
import { HEADERS } from "./headers.js";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PACKAGE = path.join(HERE, "../src/unblur");
const PAGE = path.join(PACKAGE, "serve/page");
const PACKAGES = path.join(HERE, "node_modules");
const ENTRIES = ["main.js", "worker.js", "network-worker.js"];
/** Files of libraries that are loaded by their address, not imported. */
const LOADED = [
  // Named .js here: many hosts know no .mjs, and browsers refuse a script of another type.
  "onnxruntime-web/dist/ort-wasm-simd-threaded.mjs",
  "onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
  "onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs",
  "onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm",
  "@cornerstonejs/codec-libjpeg-turbo-8bit/dist/libjpegturbowasm.wasm",
  "@jsquash/webp/codec/dec/webp_dec.wasm",
];
/** What not every visitor needs: kept for offline use only by those who do. */
const LATER = /webgpu|asyncify|^licences\.txt$/;
/** A file by which a folder is known as a site, whose files are replaced. */
const MARK = "network-worker.js";

/** @type {esbuild.BuildOptions} */
const MINIFIED = {
  absWorkingDir: HERE,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  logLevel: "silent",
};

const given = process.argv[2] ?? path.join(HERE, "../site");
// As the folder is named from where npm was started, which runs this elsewhere.
const target = path.resolve(process.env.INIT_CWD ?? "", given);
const out = await mkdtemp(path.join(tmpdir(), "unblur-site-"));
try {
  await check();
  const [web, page] = await build();
  await replace();
  console.log(`unblur: the site is in ${target}`);
  console.log(`of its own it has ${web} bytes of JavaScript, and ${page} of the server's page`);
} catch (error) {
  console.error(`unblur: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await rm(out, { recursive: true });
}

/** Makes the folder; refuses one that holds anything but a site. */
async function check() {
  await mkdir(target, { recursive: true });
  const there = await readdir(target);
  if (there.length && !there.includes(MARK)) {
    throw new Error(`${target} holds other files; name an empty folder, a new one, or a former site`);
  }
}

/** Puts the site in the place of the former one; what else is in the folder stays. */
async function replace() {
  for (const name of await readdir(target)) {
    if (/^chunk-\w+\.js$/.test(name)) await rm(path.join(target, name));
  }
  for (const name of await readdir(out)) {
    await rm(path.join(target, name), { recursive: true, force: true });
    await cp(path.join(out, name), path.join(target, name), { recursive: true });
  }
}

/** Returns the bytes of our own code: that of this folder, and that of the server's page. */
async function build() {
  const model = await readFile(path.join(PACKAGE, "weights/default.onnx"));
  const { libraries, sizes } = await bundle({
    MODEL_SHA256: JSON.stringify(digest(model, "hex")),
    CONTRACT: metadata(model, "unblur"),
  });
  await writeFile(path.join(out, "default.onnx"), model);
  await bundleLibraries(libraries);
  for (const file of LOADED) {
    const name = path.basename(file).replace(/\.mjs$/, ".js");
    await cp(path.join(PACKAGES, file), path.join(out, "lib", name));
  }
  await copyPage();
  await writeFile(path.join(out, "_headers"), headersFile());
  await writeFile(path.join(out, "licences.txt"), await licences([...libraries]));
  await listFiles();
  return sizes;
}

/**
 * Bundles our own code.
 * @param {Record<string, string>} define constants for it
 * @returns {Promise<{libraries: Set<string>, sizes: number[]}>} the libraries that it imports
 */
async function bundle(define) {
  /** @type {Set<string>} */
  const libraries = new Set();
  /** @type {esbuild.Plugin} */
  const plugin = {
    name: "libraries",
    setup(builder) {
      builder.onResolve({ filter: /^[@a-z]/ }, ({ path: name, kind }) => {
        if (kind === "entry-point") return undefined;
        libraries.add(name);
        return { path: `./lib/${fileOf(name)}`, external: true };
      });
    },
  };
  /** @type {esbuild.BuildOptions & {metafile: true}} */
  const options = { ...MINIFIED, outdir: out, define, plugins: [plugin], metafile: true };
  const named = (/** @type {string} */ name) => path.join(HERE, "src", name);
  const built = [
    await esbuild.build({ ...options, entryPoints: ENTRIES.map(named), splitting: true }),
    await esbuild.build({ ...options, entryPoints: [named("sw.js")] }),
  ];
  const sizes = [0, 0];
  for (const output of built.flatMap(({ metafile }) => Object.values(metafile.outputs))) {
    let rest = output.bytes;
    for (const [name, { bytesInOutput }] of Object.entries(output.inputs)) {
      if (!name.includes("/serve/page/")) continue;
      sizes[1] += bytesInOutput;
      rest -= bytesInOutput;
    }
    sizes[0] += rest;
  }
  return { libraries, sizes };
}

/** @param {Set<string>} libraries */
async function bundleLibraries(libraries) {
  await esbuild.build({
    entryPoints: [...libraries].map((name) => ({ in: name, out: fileOf(name).slice(0, -3) })),
    ...MINIFIED,
    outdir: path.join(out, "lib"),
    // Of Node.js; the libraries ask first whether they run there.
    external: ["node:*", "fs", "path"],
    // Without the runtime inside, which is loaded by its address.
    conditions: ["onnxruntime-web-use-extern-wasm"],
    legalComments: "inline",
  });
}

/** @param {string} library */
function fileOf(library) {
  return `${library.replace(/\.js$/, "").replace(/^@/, "").replaceAll("/", "-")}.js`;
}

/** The page, as the server has it, but for its home. */
async function copyPage() {
  for (const name of ["page.css", "logo.svg", "example.jpg"]) {
    await cp(path.join(PAGE, name), path.join(out, name));
  }
  await cp(path.join(HERE, "static"), out, { recursive: true });
  const policy = HEADERS["content-security-policy"].replace(/; frame-ancestors[^;]*/, "");
  const head =
    `<meta http-equiv="Content-Security-Policy" content="${policy}">` +
    '\n<link rel="manifest" href="manifest.webmanifest">' +
    '\n<link rel="apple-touch-icon" href="icon-192.png">';
  const page = await readFile(path.join(PAGE, "page.html"), "utf8");
  const changes = [
    ['<meta charset="utf-8">', `<meta charset="utf-8">\n${head}`],
    ['data-home="server"', 'data-home="browser"'],
    ["page/static/server.js", "main.js"],
    ["page/static/", ""],
  ];
  let made = page;
  for (const [from, to] of changes) {
    if (!made.includes(from)) throw new Error(`page.html holds no ${from}`);
    made = made.replaceAll(from, to);
  }
  await writeFile(path.join(out, "index.html"), made);
}

/** Headers for hosts that read such a file; elsewhere the service worker adds them. */
function headersFile() {
  const lines = Object.entries(HEADERS).map(([name, value]) => `  ${name}: ${value}`);
  return `/*\n${lines.join("\n")}\n`;
}

/**
 * The notices of what the site holds.
 * @param {string[]} libraries
 */
async function licences(libraries) {
  const names = new Set(libraries.map((name) => name.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? name));
  const parts = [await readFile(path.join(HERE, "notices.txt"), "utf8")];
  for (const name of [...names].sort()) {
    const folder = path.join(PACKAGES, name);
    const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
    const text = file ? await readFile(path.join(folder, file), "utf8") : "";
    parts.push(`${name} ${version} (${license})\n\n${text}`);
  }
  return parts.map((part) => part.trim()).join(`\n\n${"-".repeat(80)}\n\n`) + "\n";
}

/** Writes what the service worker needs to know. */
async function listFiles() {
  /** @type {Record<string, string>} */
  const files = {};
  const names = (await readdir(out, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(out, path.join(entry.parentPath, entry.name)))
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => !["sw.js", "_headers"].includes(name))
    .sort();
  for (const name of names) {
    const hash = digest(await readFile(path.join(out, name)), "base64");
    files[name === "index.html" ? "./" : name] = hash;
  }
  const site = { files, later: names.filter((name) => LATER.test(name)), headers: HEADERS };
  const version = digest(Buffer.from(JSON.stringify(site)), "hex").slice(0, 16);
  const code = `self.SITE=${JSON.stringify({ version, ...site })};\n`;
  await writeFile(path.join(out, "files.js"), code);
}

/**
 * @param {Uint8Array} data
 * @param {"hex"|"base64"} form
 */
function digest(data, form) {
  return createHash("sha256").update(data).digest(form);
}
