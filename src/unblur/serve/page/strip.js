// The strip of all photos below the one that is shown.

import { find } from "./viewer.js";

/** @typedef {import("./page.js").Entry} Entry */

export class Strip {
  /**
   * @param {HTMLElement} list
   * @param {(key: number) => void} choose
   */
  constructor(list, choose) {
    this.list = list;
    this.choose = choose;
    /** @type {Map<number, HTMLElement>} */
    this.items = new Map();
  }

  /**
   * @param {Entry[]} photos
   * @param {number | null} chosen
   * @param {(photo: Entry) => {words: string, share: number | null}} doing
   */
  show(photos, chosen, doing) {
    this.list.hidden = photos.length < 2;
    for (const [index, photo] of photos.entries()) {
      const item = this.items.get(photo.key) ?? this.make(photo.key);
      const there = this.list.children[index] ?? null;
      if (there !== item) this.list.insertBefore(item, there);
      this.fill(item, photo, photo.key === chosen, doing(photo));
    }
    const keys = new Set(photos.map((photo) => photo.key));
    for (const [key, item] of this.items) {
      if (keys.has(key)) continue;
      item.remove();
      this.items.delete(key);
    }
  }

  /** @param {number} key */
  make(key) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const image = document.createElement("img");
    const [mark, badge] = ["mark", "badge"].map((name) => {
      const made = document.createElement("span");
      made.className = name;
      return made;
    });
    button.type = "button";
    image.alt = "";
    image.hidden = badge.hidden = true;
    button.append(image, mark, badge);
    button.addEventListener("click", () => this.choose(key));
    item.append(button);
    this.items.set(key, item);
    return item;
  }

  /**
   * @param {HTMLElement} item
   * @param {Entry} photo
   * @param {boolean} current
   * @param {{words: string, share: number | null}} doing
   */
  fill(item, { name, state, blur, thumb }, current, { words, share }) {
    const button = find(item, "button", HTMLElement);
    const sharpness = blur ? `sharpness ${blur.score} of 100` : "";
    const how = share === null || share === 1 ? words : `${words} ${Math.round(share * 100)} %`;
    button.setAttribute("aria-label", [name, how, sharpness].filter(Boolean).join(", "));
    button.setAttribute("aria-current", String(current));
    button.title = name;
    const badge = find(item, ".badge", HTMLElement);
    badge.hidden = !blur;
    badge.dataset.level = blur?.level ?? "";
    badge.textContent = String(blur?.score ?? "");
    badge.title = blur?.words ?? "";
    const mark = find(item, ".mark", HTMLElement);
    mark.dataset.state = state;
    mark.style.setProperty("--share", String(share ?? 0));
    const image = find(item, "img", HTMLImageElement);
    if (!thumb || !image.hidden) return;
    image.src = thumb;
    image.hidden = false;
  }
}
