// Numbers, and lists of them.

/** @param {number} length @returns {Float32Array<ArrayBuffer>} zeros */
export const floats = (length) => new Float32Array(length);

/** What a function makes of 0, 1, ..., up to a count.
 *
 * @template T
 * @param {number} count
 * @param {(index: number) => T} make
 */
export const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** @param {number} value @param {number} multiple @returns {number} the next multiple */
export const upTo = (value, multiple) => Math.ceil(value / multiple) * multiple;

/** @param {number} value @returns {number} within 0 and `most` */
export const clip = (value, most = 1) => Math.min(most, Math.max(0, value));

/** @param {Iterable<number>} values */
export const sum = (values) => [...values].reduce((total, value) => total + value, 0);

/** Rounds halves to even numbers, as Python does.
 *
 * @param {number} value not negative
 */
export function rint(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
