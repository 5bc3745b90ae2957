// Requests to the server's API, and its refusals in words.

/** An answer. `data` is null if it was no JSON, `wait` the seconds after which to ask again, if so.
 * @typedef {{status: number, data: any, wait: number | null}} Answer */

export const SOON = 3; // seconds after which what the server did not hear is sent again

/**
 * @param {string} method
 * @param {string} address
 * @returns {Promise<Answer>}  rejects if the server cannot be reached
 */
export async function send(method, address) {
  const answer = await fetch(address, { method, keepalive: method === "DELETE" });
  const retry = answer.headers.get("retry-after");
  return read(answer.status, await answer.text(), retry);
}

/**
 * Sends a file.
 * @param {string} address
 * @param {File} file
 * @param {(share: number) => void} sent
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}  rejects with words to follow the file's name
 */
export function upload(address, file, sent, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // `fetch` tells nothing of how far it has come
    const abort = () => request.abort();
    signal.throwIfAborted();
    signal.addEventListener("abort", abort);
    request.open("POST", address);
    request.upload.onprogress = ({ loaded, total }) => sent(total ? loaded / total : 0);
    request.onload = () => {
      const retry = request.getResponseHeader("retry-after");
      resolve(read(request.status, request.responseText, retry));
    };
    request.onerror = () => reject(new Error("did not arrive: the connection broke"));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.send(file);
  });
}

/**
 * @param {number} seconds
 * @param {AbortSignal[]} ends  each ends it early
 */
export function pause(seconds, ...ends) {
  return new Promise((resolve) => {
    setTimeout(resolve, 1000 * seconds);
    for (const end of ends) end.addEventListener("abort", resolve);
  });
}

/**
 * Why a photo was refused, to follow its name.
 * @param {Answer} answer
 */
export function refusal({ status, data }) {
  const detail = data?.detail;
  if (typeof detail !== "string") return `was not taken by the server (${status})`;
  return plain(detail, "was not taken");
}

/**
 * The API's words on a photo, to follow its name.
 * @param {string} detail
 * @param {string} otherwise  precedes what is not said of the photo
 */
export function plain(detail, otherwise) {
  const photo = /^the photo (.+)/s.exec(detail);
  return photo ? photo[1] : `${otherwise}: ${detail}`;
}

/**
 * @param {number} status
 * @param {string} text
 * @param {string | null} retry
 * @returns {Answer}
 */
function read(status, text, retry) {
  const busy = status === 429 || status === 503;
  const wait = busy && retry !== null ? Number(retry) || SOON : null;
  try {
    return { status, data: JSON.parse(text), wait };
  } catch {
    return { status, data: null, wait }; // not from unblur, but from something before it
  }
}
