// Two pictures of one size, one over the other: a divider between them, zoom, and panning of both.
// The upper one's opacity is the strength: original + strength * (result - original), the very blend.
// Over both, if it is asked for, lies the map of the blur.
// A document has one viewer, whose state this module holds.

const MOST = 8; // pixels of the screen for one of the photo
const STEP = 1.5;
const FURTHEST_FIT = 2; // a small photo is shown no larger than this
const KEPT = 60; // tiles of a side
const KEY = "Strokes: motion. Circles: defocus. Lighter: more.";

/**
 * What the viewer shows; what is not there yet may be left out.
 * @typedef {object} View
 * @property {string | number} [id]  another one begins with the whole photo
 * @property {string} [name]
 * @property {number} width   pixels of the photo
 * @property {number} height
 * @property {string | null} [before]  addresses of the pictures of the whole, once there are any
 * @property {string | null} [after]
 * @property {number} [base]  width of these pictures as a share of the photo's
 * @property {number} [tile]  side of a tile, in pixels of the photo
 * @property {Tiles | null} [tiles]
 * @property {{words: string, picture: string} | null} [blur]  nothing as long as it was not measured
 */
/** Address of a tile.
 * @typedef {(side: "before" | "after", x: number, y: number) => string | Promise<string>} Tiles */
/** @typedef {{x: number, y: number}} Point */

/**
 * The element that a selector finds; its class tells the type checker its kind.
 * @type {<T extends Element = HTMLElement>(root: ParentNode, selector: string, kind?: new () => T) => T}
 */
export const find = (root, selector) => /** @type {any} */ (root.querySelector(selector));

/**
 * Sets an attribute; null takes it away.
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
export function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, `${value}`);
}

/**
 * Gives an element a class, or takes it away.
 * @param {Element} element
 * @param {string} name
 * @param {unknown} on
 */
export const toggle = ({ classList }, name, on) => classList.toggle(name, !!on);

/** @type {(selector: string) => HTMLElement} */
export const part = (selector) => find(document, selector);
const stage = part(".stage");
const divider = /** @type {HTMLInputElement} */ (part(".cut"));
const mapButton = /** @type {HTMLButtonElement} */ (part(".tools .blur"));
const mapLayer = part(".map");
const sides = /** @type {const} */ (["before", "after"]).map((name) => {
  const layer = part(`.layer.${name}`);
  const [base, tiles] = /** @type {any} */ (layer.children);
  /** @type {Map<string, HTMLImageElement>} */
  const shown = new Map();
  return { name, layer, base, tiles, shown };
});
const layers = [...sides.map((side) => side.layer), mapLayer];

/** @type {View} */
let photo = { width: 3, height: 2 };
let mapped = false;
let fitted = true;
let movable = false;
let [left, top, scale] = [0, 0, 1]; // where the photo is on the stage
/** @type {Map<number, Point & {divides: boolean}>} */
const pointers = new Map();

/** @param {View} view */
export function show(view) {
  const before = photo;
  photo = view;
  const { id, name, width, height, after = null } = photo;
  stage.style.setProperty("--aspect", `${width / height}`);
  layMap();
  for (const side of sides) {
    const source = photo[side.name] || null;
    if (side.base.getAttribute("src") !== source) {
      attribute(side.base, "src", source);
      clearTiles(side);
    }
    side.base.alt = source ? `${name}, ${side.name}` : "";
  }
  for (const { style } of layers) {
    style.width = `${width}px`;
    style.height = `${height}px`;
  }
  toggle(stage, "comparing", after);
  attribute(stage, "aria-label", `Photo ${name}`);
  divider.disabled = !after;
  if (id !== before.id) {
    fitted = true;
    if (after) cut(50);
  } else if (after && !before.after) {
    reveal();
  }
  layOut();
}

/** @param {number} strength  from 0 to 1 */
export function fade(strength) {
  sides[1].layer.style.opacity = `${strength}`;
}

/** Lays the map of the blur over the photo, and over those shown later; or takes it away. */
function toggleMap() {
  if (!photo.blur) return;
  mapped = !mapped;
  layMap();
}

function layMap() {
  const { blur } = photo;
  const shown = mapped && blur;
  mapButton.disabled = !blur;
  attribute(mapButton, "aria-pressed", !!shown);
  toggle(stage, "mapped", shown);
  const image = mapLayer.children[0];
  // It is loaded when it is first looked at, and kept until another photo is.
  if (image.getAttribute("src") !== blur?.picture) attribute(image, "src", shown ? blur.picture : null);
  const [words, key] = part(".legend").children;
  const text = shown ? blur.words : "";
  if (words.textContent === text) return;
  words.textContent = text;
  key.textContent = text && KEY;
}

function fit() {
  fitted = true;
  layOut();
}

/** One pixel of the photo is one of the screen, with `at` (of the stage) where it is.
 * @type {(at?: Point) => void} */
const oneToOne = (at) => zoomTo(1 / devicePixelRatio, at);

/** @type {(factor: number, at?: Point) => void} */
const zoomBy = (factor, at) => zoomTo(scale * factor, at);

/** @param {number} wanted */
function zoomTo(wanted, at = middle()) {
  const whole = fitScale();
  const pixel = 1 / devicePixelRatio;
  const least = Math.min(whole, pixel);
  wanted = Math.min(Math.max(wanted, least), Math.max(MOST * pixel, least));
  left = at.x - ((at.x - left) * wanted) / scale;
  top = at.y - ((at.y - top) * wanted) / scale;
  scale = wanted;
  fitted = Math.abs(scale / whole - 1) < 0.01;
  layOut();
}

/** The sides of the stage. */
const room = () => [stage.clientWidth, stage.clientHeight];

function fitScale() {
  const [width, height] = room();
  return Math.min(width / photo.width, height / photo.height, FURTHEST_FIT) || 1;
}

function middle() {
  const [width, height] = room();
  return { x: width / 2, y: height / 2 };
}

function layOut() {
  const [across, down] = room();
  if (!across) return;
  if (fitted) scale = fitScale();
  /** @type {(offset: number, free: number) => number} */
  const place = (offset, free) =>
    free >= 0 ? free / 2 : Math.min(0, Math.max(free, offset));
  // On whole pixels of the screen, or 1:1 would be blurred.
  const whole = (/** @type {number} */ offset) =>
    Math.round(offset * devicePixelRatio) / devicePixelRatio;
  const width = photo.width * scale;
  const height = photo.height * scale;
  left = place(left, across - width);
  top = place(top, down - height);
  for (const { style } of layers) {
    style.transform = `translate(${whole(left)}px, ${whole(top)}px) scale(${scale})`;
  }
  const density = scale * devicePixelRatio;
  movable = width > across + 1 || height > down + 1;
  toggle(stage, "movable", movable);
  toggle(stage, "pixels", density >= 3);
  stage.dataset.zoom = density.toFixed(3);
  part(".zoom").textContent = `${Math.round(density * 100)} %`;
  attribute(part(".fit"), "aria-pressed", fitted);
  attribute(part(".one"), "aria-pressed", Math.abs(density - 1) < 0.005);
  cut();
  for (const side of sides) loadTiles(side, density);
}

/** What the photo covers of the stage, from left to right. */
const span = () => [Math.max(0, left), Math.min(stage.clientWidth, left + photo.width * scale)];

/** Moves the divider. */
function cut(percent = +divider.value) {
  divider.value = `${percent}`;
  const value = Math.round(percent);
  attribute(divider, "aria-valuetext", `${value} % before, ${100 - value} % after`);
  const [from, to] = span();
  const places = {
    cut: from + ((to - from) * percent) / 100,
    left: from,
    right: stage.clientWidth - to,
    top: Math.max(0, top),
  };
  for (const [name, at] of Object.entries(places)) stage.style.setProperty(`--${name}`, `${at}px`);
}

/** @param {number} x  on the stage */
function cutAt(x) {
  const [from, to] = span();
  cut(Math.min(100, Math.max(0, (100 * (x - from)) / (to - from || 1))));
}

function reveal() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return cut(50);
  const began = performance.now();
  cut(100);
  const step = (/** @type {number} */ now) => {
    if (pointers.size) return;
    const share = Math.min(1, (now - began) / 700);
    cut(100 - 50 * (1 - (1 - share) ** 3));
    if (share < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/**
 * The whole photo is there as one picture; of a large one that is smaller than the photo, and what
 * is seen closer comes in tiles.
 * @param {typeof sides[number]} side
 * @param {number} density  pixels of the screen for one of the photo
 */
function loadTiles(side, density) {
  const { tile = 1, tiles, width, height, base = 1 } = photo;
  const { name, shown } = side;
  if (!(density > base * 1.05) || !tiles || !photo[name]) return clearTiles(side);
  /** The first tile along a side that is seen, and the one behind the last.
   * @type {(offset: number, room: number, size: number) => number[]} */
  const seen = (offset, room, size) => [
    Math.max(0, Math.floor(-offset / scale / tile)),
    Math.min(Math.ceil(size / tile), Math.floor((room - offset) / scale / tile) + 1),
  ];
  const [across, down] = room();
  const [first, behind] = seen(left, across, width);
  const wanted = new Set();
  for (let [y, end] = seen(top, down, height); y < end; y++) {
    for (let x = first; x < behind; x++) {
      const key = `${x}_${y}`;
      wanted.add(key);
      if (!shown.has(key)) addTile(side, key, x * tile, y * tile, tiles(name, x, y));
    }
  }
  for (const [key, image] of shown) {
    if (shown.size <= KEPT) break;
    if (wanted.has(key)) continue;
    image.remove();
    shown.delete(key);
  }
}

/**
 * @param {typeof sides[number]} side
 * @param {string} key
 * @param {number} x  pixels of the photo
 * @param {number} y
 * @param {string | Promise<string>} address
 */
async function addTile({ tiles, shown }, key, x, y, address) {
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  image.onload = () => toggle(image, "here", true);
  image.style.left = `${x}px`;
  image.style.top = `${y}px`;
  tiles.append(image);
  shown.set(key, image);
  try {
    if (typeof address !== "string") address = await address;
    if (shown.get(key) === image) image.src = address;
  } catch {
    // The whole is seen in its place; it is asked for again when the photo is moved.
    image.remove();
    if (shown.get(key) === image) shown.delete(key);
  }
}

/** @param {typeof sides[number]} side */
function clearTiles({ tiles, shown }) {
  tiles.replaceChildren();
  shown.clear();
}

/**
 * @param {MouseEvent} event
 * @returns {Point} on the stage
 */
function pointOf({ clientX, clientY }) {
  const box = stage.getBoundingClientRect();
  return { x: clientX - box.left, y: clientY - box.top };
}

/**
 * @param {number} dx
 * @param {number} dy
 */
function move(dx, dy) {
  left += dx;
  top += dy;
  layOut();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  "+": () => zoomBy(STEP),
  "=": () => zoomBy(STEP),
  "-": () => zoomBy(1 / STEP),
  0: fit,
  1: () => oneToOne(),
  b: toggleMap,
};
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };

/** @param {KeyboardEvent} event */
function press(event) {
  const { key, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey) return;
  const act = KEYS[key === "B" ? "b" : key];
  if (act) act();
  else if (event.target === stage && movable && MOVES[key]) move(...MOVES[key]);
  else return;
  event.preventDefault();
}

/** @param {PointerEvent} event */
function hold(event) {
  const { button, pointerId, pointerType, target } = event;
  if (pointerType === "mouse" && button) return;
  if (target instanceof Element && target.closest("button, a, .notice")) return;
  event.preventDefault();
  const at = pointOf(event);
  stage.setPointerCapture(pointerId);
  const touch = pointerType === "touch";
  const near = Math.abs(at.x - parseFloat(stage.style.getPropertyValue("--cut"))) < (touch ? 28 : 16);
  // What cannot be moved leaves the whole of it to the divider.
  const divides = !!photo.after && (near || !movable);
  pointers.set(pointerId, { ...at, divides });
  toggle(stage, "held", true);
  const focused = divides ? divider : stage;
  focused.focus({ preventScroll: true, focusVisible: false });
  if (divides && !near && !touch) cutAt(at.x);
}

/** @param {PointerEvent} event */
function drag(event) {
  const { pointerId } = event;
  const before = pointers.get(pointerId);
  if (!before) return;
  const now = { ...before, ...pointOf(event) };
  pointers.set(pointerId, now);
  const [dx, dy] = [now.x - before.x, now.y - before.y];
  if (pointers.size === 2) {
    const [other] = [...pointers].filter(([id]) => id !== pointerId).map(([, point]) => point);
    const apart = (/** @type {Point} */ { x, y }) => Math.hypot(x - other.x, y - other.y);
    const at = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    zoomBy(apart(now) / Math.max(1, apart(before)), at);
    move(dx / 2, dy / 2);
  } else if (before.divides) {
    cutAt(now.x);
  } else {
    move(dx, dy);
  }
}

/** @param {PointerEvent} event */
function release({ pointerId }) {
  pointers.delete(pointerId);
  toggle(stage, "held", pointers.size);
}

/** @param {WheelEvent} event */
function wheel(event) {
  const zooms = event.ctrlKey || event.metaKey;
  if (!zooms && !movable) return;
  event.preventDefault();
  if (zooms) zoomBy(Math.exp(-event.deltaY / 200), pointOf(event));
  else move(-event.deltaX, -event.deltaY);
}

/** @type {Record<string, (event: any) => void>} */
const HEARD = {
  keydown: press,
  dblclick: (event) => (fitted ? oneToOne(pointOf(event)) : fit()),
  wheel,
  pointerdown: hold,
  pointermove: drag,
  pointerup: release,
  pointercancel: release,
  lostpointercapture: release,
};
for (const [type, act] of Object.entries(HEARD)) {
  stage.addEventListener(type, act, { passive: false });
}
divider.oninput = () => cut();
mapButton.onclick = toggleMap;
part(".fit").onclick = fit;
part(".one").onclick = KEYS[1];
part(".in").onclick = KEYS["+"];
part(".out").onclick = KEYS["-"];
new ResizeObserver(layOut).observe(stage);
