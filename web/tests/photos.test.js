import assert from "node:assert/strict";
import test from "node:test";

import { changeOf, photos, pixelsOf, remove } from "../src/photos.js";

test("those who ask at once wait for one reading; failures and what is removed go", async () => {
  let readings = 0;
  const read = async () => (readings++, new ArrayBuffer(6));
  const file = { name: "a", arrayBuffer: read };
  const held = /** @type {any} */ ({ id: "1", file, results: [], about: {} });
  const both = await Promise.allSettled([pixelsOf(held), pixelsOf(held)]);
  assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(readings, 1);
  await assert.rejects(pixelsOf(held), /is not a picture/);
  assert.equal(readings, 2);

  const result = /** @type {any} */ ({ change: { arrayBuffer: read }, after: "" });
  const [one, other] = await Promise.all([changeOf(result), changeOf(result)]);
  assert.equal(one, other);
  assert.equal(readings, 3);
  photos.set("1", held);
  remove("1");
  assert.notEqual(await changeOf(result), one);
});

test("a file that cannot be read any more is told in plain words", async () => {
  const arrayBuffer = async () => Promise.reject(new DOMException("no", "NotReadableError"));
  const held = /** @type {any} */ ({ id: "2", file: { name: "a", arrayBuffer } });
  await assert.rejects(pixelsOf(held), /was changed, moved or deleted/);
});
