// How a photo was deblurred, in words (src/unblur/serve: words.py).

import { rint } from "./numbers.js";


/** Share of a photo that is not worth a word. */
const FEW = 0.03;
/** @type {Record<number, string>} */
const SIZES = { 100: "full size", 67: "two thirds of its size", 50: "half size", 33: "a third" };

/** "Long blur: worked at half size in 40 % of the photo", for example.
 *
 * @param {Map<number, number>} shares the share of the photo at each scale
 * @param {boolean} chosen whether the one scale was asked for, whatever the blur
 * @returns {string} none if hardly any of it was at less than full size
 */
export function scaleWords(shares, chosen) {
  const small = [...shares].filter(([scale]) => scale < 1).sort(([a], [b]) => b - a);
  const total = small.reduce((sum, [, share]) => sum + share, 0);
  if (total <= FEW) return "";
  const said = small.filter(([, share]) => share > FEW / 3);
  if (said.length === 1 && total > 1 - FEW) {
    return `${chosen ? "Worked" : "Long blur: worked"} at ${size(said[0][0])}`;
  }
  const parts = said.map(([scale, share]) => `at ${size(scale)} in ${percent(share)}`);
  return `Long blur: worked ${parts.join(" and ")} of the photo`;
}

/** @param {number} scale */
const size = (scale) => SIZES[rint(100 * scale)] ?? `${percent(scale)} of its size`;

/** @param {number} share */
const percent = (share) => `${rint(100 * share)}\u00a0%`;
