// Calls of functions across the border of a worker.

/**
 * @typedef {(method: string, ...given: any[]) => Promise<any>} Ask
 */

/**
 * Calls what `answer` offers on the other side.
 * @param {Worker} worker
 * @param {(news: any) => void} hear is given what the other side tells by itself
 * @returns {Ask} rejects with an Error of the same message
 */
export function connect(worker, hear = () => {}) {
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  const open = new Map();
  let count = 0;
  worker.onmessage = ({ data: { id, value, error, news } }) => {
    if (news !== undefined) return hear(news);
    const call = open.get(id);
    open.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  };
  worker.onerror = (event) => {
    const error = new Error(event.message || "a part of it did not load");
    for (const { reject } of open.values()) reject(error);
    open.clear();
  };
  return (method, ...given) =>
    new Promise((resolve, reject) => {
      open.set(++count, { resolve, reject });
      worker.postMessage({ id: count, method, given });
    });
}

/**
 * Answers the other side's calls, in a worker. Arrays of an answer are handed over, not copied.
 * @param {Record<string, (...given: any[]) => any>} methods
 * @returns {(news: any) => void} tells the other side something
 */
export function answer(methods) {
  const scope = /** @type {any} */ (self);
  scope.onmessage = async (/** @type {MessageEvent} */ { data: { id, method, given } }) => {
    try {
      const value = await methods[method](...given);
      const arrays = Object.values(value ?? {}).filter((one) => ArrayBuffer.isView(one));
      scope.postMessage({ id, value }, arrays.map((one) => one.buffer));
    } catch (error) {
      scope.postMessage({ id, error: reason(error) });
    }
  };
  return (news) => scope.postMessage({ news });
}

/**
 * What went wrong, to be shown.
 * @param {unknown} error
 */
export function reason(error) {
  const text = error instanceof Error ? error.message : String(error);
  return /memory|alloc|array length/i.test(text) ? "needs more memory than there is here" : text;
}
