// Reads a metadata property of an ONNX file.

/** Field numbers of `ModelProto` and `StringStringEntryProto` (onnx.proto). */
const METADATA_PROPS = 14;
const KEY = 1;
const VALUE = 2;

/**
 * The value of a file's metadata property.
 * @param {Uint8Array} file an ONNX file
 * @param {string} key
 * @returns {string}
 * @throws {Error} if the file has none of this name
 */
export function metadata(file, key) {
  const text = new TextDecoder();
  for (const [field, data] of fields(file)) {
    if (field !== METADATA_PROPS) continue;
    const entry = new Map(fields(data));
    if (text.decode(entry.get(KEY)) === key) return text.decode(entry.get(VALUE));
  }
  throw new Error(`the ONNX file has no metadata property "${key}"`);
}

/**
 * The fields of a protocol buffers message that hold bytes, with their numbers.
 * @param {Uint8Array} message
 * @returns {Generator<[number, Uint8Array]>}
 */
function* fields(message) {
  let at = 0;
  const varint = () => {
    // By multiplication: lengths may need more than the 32 bits of shifts.
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = message[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 2) {
      const length = varint();
      yield [tag >> 3, message.subarray(at, (at += length))];
    } else if (wire === 0) varint();
    else at += wire === 1 ? 8 : 4;
  }
}
