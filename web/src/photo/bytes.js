/** Bytes and streams, as the readers and writers of all formats need them. */

/** A photo that is not taken; its message follows the photo's name. */
export class PhotoError extends Error {}

/**
 * Refuses a photo; by default one whose file ends early or contradicts itself.
 * @type {(words?: string) => never} words follow its name
 */
export const refuse = (words = "is damaged or truncated") => {
  throw new PhotoError(words);
};

export const ANIMATED = "is animated, and only still pictures are taken";

/** @type {Uint8Array} */
export const NONE = new Uint8Array();

/** @param {Uint8Array} bytes */
export const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/**
 * Parts, one after the other; strings are of one character a byte.
 * @param {...(ArrayLike<number> | string)} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(typeof part === "string" ? [...part].map((char) => char.charCodeAt(0)) : part, at);
    at += part.length;
  }
  return whole;
}

/**
 * A string of one character a byte, in which bytes are compared and searched.
 * @param {Uint8Array} bytes
 */
export function latin(bytes, start = 0, end = bytes.length) {
  let text = "";
  for (let at = start; at < end; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 8192, end)));
  }
  return text;
}

/** Four bytes of each number, the most significant one first. @param {...number} values */
export function u32(...values) {
  return values.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]);
}

/**
 * What comes out of a stream of zlib's format.
 * @param {new (format: "deflate") => GenericTransformStream} kind compresses or decompresses
 * @param {Iterable<Uint8Array>} parts that go in
 * @param {number} [limit] of the bytes that come out, behind which the rest is left
 * @throws {TypeError} if the stream finds its input damaged
 */
export async function piped(kind, parts, limit = Infinity) {
  const { readable, writable } = new kind("deflate");
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const fed = async () => {
    for (const part of parts) await writer.write(part);
    await writer.close();
  };
  fed().catch(() => {}); // the reader throws too
  /** @type {Uint8Array[]} */
  const out = [];
  for (let size = 0; size < limit; ) {
    const { done, value } = await reader.read();
    if (done) break;
    out.push(value);
    size += value.length;
  }
  return joined(...out);
}
