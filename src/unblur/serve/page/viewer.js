// Two pictures of one size, one over the other: a divider between them, zoom, and panning of both.
// The upper one's opacity is the strength: original + strength * (result - original), the very blend.
// Over both, if it is asked for, lies the map of the blur.

const MOST = 8; // pixels of the screen for one of the photo
const STEP = 1.5;
const FURTHEST_FIT = 2; // a small photo is shown no larger than this
const KEPT = 60; // tiles of a side
const KEY = "Strokes: motion. Circles: defocus. Lighter: more.";

/**
 * What the viewer shows.
 * @typedef {object} View
 * @property {string | number} id  another one begins with the whole photo
 * @property {string} name
 * @property {number} width   pixels of the photo
 * @property {number} height
 * @property {string | null} before  addresses of the pictures of the whole, once there are any
 * @property {string | null} after
 * @property {number} base  width of these pictures as a share of the photo's
 * @property {number} tile  side of a tile, in pixels of the photo
 * @property {Tiles | null} tiles
 * @property {{words: string, picture: string} | null} blur  nothing as long as it was not measured
 */
/** Address of a tile.
 * @typedef {(side: "before" | "after", x: number, y: number) => string | Promise<string>} Tiles */
/** @typedef {{x: number, y: number}} Point */
/**
 * @typedef {{name: "before" | "after", layer: HTMLElement, base: HTMLImageElement,
 *   tiles: HTMLElement, shown: Map<string, HTMLImageElement>}} Side
 */

/** @type {View} */
const NOTHING = {
  id: "",
  name: "",
  width: 3,
  height: 2,
  before: null,
  after: null,
  base: 1,
  tile: 1,
  tiles: null,
  blur: null,
};

/**
 * The element that a selector finds.
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind  its class
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`there is no ${selector}`);
  return found;
}

export class Viewer {
  /** @param {HTMLElement} root  holds the stage and its tools */
  constructor(root) {
    const part = (/** @type {string} */ selector) => find(root, selector, HTMLElement);
    this.stage = part(".stage");
    this.cutInput = find(root, ".cut", HTMLInputElement);
    this.zoomOutput = find(root, "output.zoom", HTMLOutputElement);
    /** @type {Side[]} */
    this.sides = [this._side("before"), this._side("after")];
    this.map = part(".layer.map");
    this.mapButton = find(root, ".tools .blur", HTMLButtonElement);
    this.legend = part(".legend");
    this.fitButton = part(".tools .fit");
    this.oneButton = part(".tools .one");
    this.mapped = false;
    this.photo = NOTHING;
    this.fitted = true;
    this.movable = false;
    this.x = this.y = 0;
    this.scale = 1;
    /** @type {Map<number, Point & {divides: boolean}>} */
    this.pointers = new Map();
    part(".tools .in").addEventListener("click", () => this.zoomBy(STEP));
    part(".tools .out").addEventListener("click", () => this.zoomBy(1 / STEP));
    this._listen();
    new ResizeObserver(() => this._layout()).observe(this.stage);
  }

  /**
   * @param {"before" | "after"} name
   * @returns {Side}
   */
  _side(name) {
    const layer = find(this.stage, `.layer.${name}`, HTMLElement);
    const base = find(layer, ".base", HTMLImageElement);
    return { name, layer, base, tiles: find(layer, ".tiles", HTMLElement), shown: new Map() };
  }

  /** @param {View} photo */
  show(photo) {
    const other = photo.id !== this.photo.id;
    const revealed = photo.after && !this.photo.after;
    this.photo = photo;
    this.stage.style.setProperty("--aspect", String(photo.width / photo.height));
    this._layMap();
    for (const side of this.sides) {
      const source = photo[side.name] ?? "";
      if (side.base.getAttribute("src") !== source) {
        if (source) side.base.src = source;
        else side.base.removeAttribute("src");
        this._clearTiles(side);
      }
      side.base.alt = source ? `${photo.name}, ${side.name}` : "";
    }
    for (const layer of this._layers()) {
      layer.style.width = `${photo.width}px`;
      layer.style.height = `${photo.height}px`;
    }
    this.stage.classList.toggle("comparing", Boolean(photo.after));
    this.stage.setAttribute("aria-label", `Photo ${photo.name}`);
    this.cutInput.disabled = !photo.after;
    if (other) {
      this.fitted = true;
      if (photo.after) this._cut(50);
    } else if (revealed) {
      this._reveal();
    }
    this._layout();
  }

  /** @param {number} value  from 0 to 1 */
  set strength(value) {
    this.sides[1].layer.style.opacity = String(value);
  }

  /** Lays the map of the blur over the photo, and over those shown later; or takes it away. */
  toggleMap() {
    if (!this.photo.blur) return;
    this.mapped = !this.mapped;
    this._layMap();
  }

  _layMap() {
    const blur = this.photo.blur;
    const shown = this.mapped ? blur : null;
    this.mapButton.disabled = !blur;
    this.mapButton.setAttribute("aria-pressed", String(Boolean(shown)));
    this.stage.classList.toggle("mapped", Boolean(shown));
    const image = find(this.map, "img", HTMLImageElement);
    // It is loaded when it is first looked at, and kept until another photo is.
    if (image.getAttribute("src") !== blur?.picture) image.removeAttribute("src");
    if (shown && !image.hasAttribute("src")) image.src = shown.picture;
    const [words, key] = this.legend.children;
    const text = shown?.words ?? "";
    if (words.textContent === text) return;
    words.textContent = text;
    key.textContent = shown ? KEY : "";
  }

  _layers() {
    return [...this.sides.map((side) => side.layer), this.map];
  }

  fit() {
    this.fitted = true;
    this._layout();
  }

  /** One pixel of the photo is one of the screen, with `at` (of the stage) where it is. */
  oneToOne(at = this._middle()) {
    this._zoomTo(1 / devicePixelRatio, at);
  }

  /** @param {number} factor */
  zoomBy(factor, at = this._middle()) {
    this._zoomTo(this.scale * factor, at);
  }

  /**
   * @param {number} scale
   * @param {Point} at
   */
  _zoomTo(scale, at) {
    const least = Math.min(this._fitScale(), 1 / devicePixelRatio);
    scale = Math.min(Math.max(scale, least), Math.max(MOST / devicePixelRatio, least));
    this.x = at.x - ((at.x - this.x) * scale) / this.scale;
    this.y = at.y - ((at.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = Math.abs(scale / this._fitScale() - 1) < 0.01;
    this._layout();
  }

  _fitScale() {
    const { clientWidth: w, clientHeight: h } = this.stage;
    return Math.min(w / this.photo.width, h / this.photo.height, FURTHEST_FIT) || 1;
  }

  _middle() {
    return { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 };
  }

  _layout() {
    if (!this.stage.clientWidth) return;
    if (this.fitted) this.scale = this._fitScale();
    /** @type {(offset: number, room: number, size: number) => number} */
    const place = (offset, room, size) => {
      const free = room - size;
      return free >= 0 ? free / 2 : Math.min(0, Math.max(free, offset));
    };
    // On whole pixels of the screen, or 1:1 would be blurred.
    const whole = (/** @type {number} */ offset) =>
      Math.round(offset * devicePixelRatio) / devicePixelRatio;
    const width = this.photo.width * this.scale;
    const height = this.photo.height * this.scale;
    this.x = place(this.x, this.stage.clientWidth, width);
    this.y = place(this.y, this.stage.clientHeight, height);
    for (const layer of this._layers()) {
      layer.style.transform = `translate(${whole(this.x)}px, ${whole(this.y)}px) scale(${this.scale})`;
    }
    const density = this.scale * devicePixelRatio;
    this.movable = width > this.stage.clientWidth + 1 || height > this.stage.clientHeight + 1;
    this.stage.classList.toggle("movable", this.movable);
    this.stage.classList.toggle("pixels", density >= 3);
    this.stage.dataset.zoom = density.toFixed(3);
    this.zoomOutput.value = `${Math.round(density * 100)} %`;
    this.fitButton.setAttribute("aria-pressed", String(this.fitted));
    this.oneButton.setAttribute("aria-pressed", String(Math.abs(density - 1) < 0.005));
    this._cut(Number(this.cutInput.value));
    this._loadTiles(density);
  }

  _span() {
    const left = Math.max(0, this.x);
    const right = Math.min(this.stage.clientWidth, this.x + this.photo.width * this.scale);
    return [left, right];
  }

  /** @param {number} percent */
  _cut(percent) {
    this.cutInput.value = String(percent);
    const value = Math.round(percent);
    this.cutInput.setAttribute("aria-valuetext", `${value} % before, ${100 - value} % after`);
    const [left, right] = this._span();
    this.stage.style.setProperty("--cut", `${left + ((right - left) * percent) / 100}px`);
    this.stage.style.setProperty("--left", `${left}px`);
    this.stage.style.setProperty("--right", `${this.stage.clientWidth - right}px`);
    this.stage.style.setProperty("--top", `${Math.max(0, this.y)}px`);
  }

  /** @param {number} x  on the stage */
  _cutAt(x) {
    const [left, right] = this._span();
    this._cut(Math.min(100, Math.max(0, (100 * (x - left)) / (right - left || 1))));
  }

  _reveal() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this._cut(50);
    const began = performance.now();
    this._cut(100);
    const step = (/** @type {number} */ now) => {
      if (this.pointers.size) return;
      const share = Math.min(1, (now - began) / 700);
      this._cut(100 - 50 * (1 - (1 - share) ** 3));
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  // The whole photo is there as one picture; of a large one that is smaller than the photo, and
  // what is seen closer comes in tiles.
  /** @param {number} density  pixels of the screen for one of the photo */
  _loadTiles(density) {
    const { tile, tiles, width, height, base } = this.photo;
    const needed = density > base * 1.05;
    for (const side of this.sides) {
      if (!needed || !tiles || !this.photo[side.name]) {
        this._clearTiles(side);
        continue;
      }
      const first = (/** @type {number} */ offset) =>
        Math.max(0, Math.floor(-offset / this.scale / tile));
      /** @type {(offset: number, room: number, size: number) => number} */
      const last = (offset, room, size) =>
        Math.min(Math.ceil(size / tile) - 1, Math.floor((room - offset) / this.scale / tile));
      const wanted = new Set();
      for (let y = first(this.y); y <= last(this.y, this.stage.clientHeight, height); y++) {
        for (let x = first(this.x); x <= last(this.x, this.stage.clientWidth, width); x++) {
          const key = `${x}_${y}`;
          wanted.add(key);
          if (!side.shown.has(key)) this._addTile(side, key, x * tile, y * tile, tiles(side.name, x, y));
        }
      }
      for (const [key, image] of side.shown) {
        if (side.shown.size <= KEPT) break;
        if (wanted.has(key)) continue;
        image.remove();
        side.shown.delete(key);
      }
    }
  }

  /**
   * @param {Side} side
   * @param {string} key
   * @param {number} left  pixels of the photo
   * @param {number} top
   * @param {string | Promise<string>} address
   */
  async _addTile(side, key, left, top, address) {
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    image.onload = () => image.classList.add("here");
    image.style.left = `${left}px`;
    image.style.top = `${top}px`;
    side.tiles.append(image);
    side.shown.set(key, image);
    try {
      if (typeof address !== "string") address = await address;
      if (side.shown.get(key) === image) image.src = address;
    } catch {
      // The whole is seen in its place; it is asked for again when the photo is moved.
      image.remove();
      if (side.shown.get(key) === image) side.shown.delete(key);
    }
  }

  /** @param {Side} side */
  _clearTiles(side) {
    for (const image of side.shown.values()) image.remove();
    side.shown.clear();
  }

  _listen() {
    const stage = this.stage;
    this.fitButton.addEventListener("click", () => this.fit());
    this.oneButton.addEventListener("click", () => this.oneToOne());
    this.mapButton.addEventListener("click", () => this.toggleMap());
    this.cutInput.addEventListener("input", () => this._cut(Number(this.cutInput.value)));
    stage.addEventListener("keydown", (event) => this._key(event));
    stage.addEventListener("dblclick", (event) => {
      if (this.fitted) this.oneToOne(this._place(event));
      else this.fit();
    });
    stage.addEventListener(
      "wheel",
      (event) => {
        if (!(event.ctrlKey || event.metaKey || this.movable)) return;
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) {
          this.zoomBy(Math.exp(-event.deltaY / 200), this._place(event));
        } else {
          this._move(-event.deltaX, -event.deltaY);
        }
      },
      { passive: false },
    );
    stage.addEventListener("pointerdown", (event) => this._down(event));
    stage.addEventListener("pointermove", (event) => this._drag(event));
    const end = (/** @type {PointerEvent} */ event) => {
      this.pointers.delete(event.pointerId);
      stage.classList.toggle("held", this.pointers.size > 0);
    };
    stage.addEventListener("pointerup", end);
    stage.addEventListener("pointercancel", end);
    stage.addEventListener("lostpointercapture", end);
  }

  /** @param {MouseEvent} event */
  _place(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  _move(dx, dy) {
    this.x += dx;
    this.y += dy;
    this._layout();
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const acts = {
      "+": () => this.zoomBy(STEP),
      "=": () => this.zoomBy(STEP),
      "-": () => this.zoomBy(1 / STEP),
      0: () => this.fit(),
      1: () => this.oneToOne(),
      b: () => this.toggleMap(),
      B: () => this.toggleMap(),
    };
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] };
    if (acts[event.key]) acts[event.key]();
    else if (event.target === this.stage && this.movable && moves[event.key]) {
      this._move(...moves[event.key]);
    } else return;
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  _down(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    if (event.target instanceof Element && event.target.closest("button, a, .notice")) return;
    event.preventDefault();
    const at = this._place(event);
    this.stage.setPointerCapture(event.pointerId);
    const cut = parseFloat(this.stage.style.getPropertyValue("--cut"));
    const near = Math.abs(at.x - cut) < (event.pointerType === "touch" ? 28 : 16);
    // What cannot be moved leaves the whole of it to the divider.
    const divides = Boolean(this.photo.after) && (near || !this.movable);
    this.pointers.set(event.pointerId, { ...at, divides });
    this.stage.classList.add("held");
    const focused = divides ? this.cutInput : this.stage;
    focused.focus({ preventScroll: true, focusVisible: false });
    if (divides && !near && event.pointerType !== "touch") this._cutAt(at.x);
  }

  /** @param {PointerEvent} event */
  _drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this._place(event);
    this.pointers.set(event.pointerId, { ...now, divides: before.divides });
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
      const apart = (/** @type {Point} */ p) => Math.hypot(p.x - other.x, p.y - other.y);
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      this.zoomBy(apart(now) / Math.max(1, apart(before)), middle);
      this._move((now.x - before.x) / 2, (now.y - before.y) / 2);
    } else if (before.divides) {
      this._cutAt(now.x);
    } else {
      this._move(now.x - before.x, now.y - before.y);
    }
  }
}
