// The strip of all photos below the one that is shown.

import { attribute, find, part } from "./viewer.js";

/** @typedef {import("./page.js").Entry} Entry */
/** @typedef {import("./page.js").Doing} Doing */

const list = part(".strip");
/** @type {Map<number, HTMLElement>} */
const items = new Map();

/**
 * @param {Entry[]} photos  those shown before, but for some that went, then new ones
 * @param {number | null} chosen
 * @param {(photo: Entry) => Doing} doing
 * @param {(key: number) => void} choose
 */
export function showStrip(photos, chosen, doing, choose) {
  list.hidden = photos.length < 2;
  const keys = new Set(photos.map(({ key }) => key));
  for (const [key, item] of items) {
    if (keys.has(key)) continue;
    item.remove();
    items.delete(key);
  }
  for (const photo of photos) {
    const { key } = photo;
    const item = items.get(key) ?? document.createElement("li");
    if (!items.has(key)) {
      item.innerHTML =
        '<button type="button"><img alt="" hidden><span class="mark"></span><span class="badge"></span></button>';
      find(item, "button").onclick = () => choose(key);
      items.set(key, item);
      list.append(item);
    }
    fill(item, photo, key === chosen, doing(photo));
  }
}

/**
 * @param {HTMLElement} item
 * @param {Entry} photo
 * @param {boolean} current
 * @param {Doing} doing
 */
function fill(item, { name, state, blur, thumb }, current, [words, share]) {
  const button = find(item, "button");
  const [image, mark, badge] = /** @type {any} */ (button.children);
  const sharpness = blur && `sharpness ${blur.score} of 100`;
  const how = share === null || share === 1 ? words : `${words} ${Math.round(share * 100)} %`;
  attribute(button, "aria-label", [name, how, sharpness].filter(Boolean).join(", "));
  attribute(button, "aria-current", current);
  button.title = name;
  badge.hidden = !blur;
  badge.dataset.level = blur?.level ?? "";
  badge.textContent = blur?.score;
  badge.title = blur?.words ?? "";
  mark.dataset.state = state;
  mark.style.setProperty("--share", share ?? 0);
  if (!thumb || !image.hidden) return;
  image.src = thumb;
  image.hidden = false;
}
