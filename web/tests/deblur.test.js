import assert from "node:assert/strict";
import test from "node:test";

import { blend, deblur } from "../src/engine/deblur.js";
import { cases, difference, fake, pixelsOf, vectors } from "./fake.js";

test("whole photos are deblurred as the package does it", vectors, async () => {
  for (const { pixels, options, measured, runs, change, half, shares } of cases("photos")) {
    const photo = pixelsOf(pixels);
    /** @type {number[][]} */
    const reported = [];
    /** @param {number[]} run */
    const report = (...run) => reported.push(run);
    const found = await deblur(fake(measured), photo, { ...options, report });
    const name = `${pixels.shape} ${JSON.stringify(options)}`;
    const levels = Float32Array.from(found.change, (value) => value / 127);
    const expected = change.data.map((/** @type {number} */ value) => value * 255);
    assert.ok(difference(levels, expected) < 0.03, name);
    assert.ok(difference(blend(photo, found.change, 0.5).data, half.data) <= 1, name);
    const counted = reported.filter(([, total]) => total);
    assert.deepEqual(counted, Array.from({ length: runs }, (_, k) => [k, runs]), name);
    const expectedShares = new Map(shares);
    assert.deepEqual([...found.scales.keys()], [...expectedShares.keys()], name);
    assert.ok(difference([...found.scales.values()], [...expectedShares.values()]) < 1e-4);
  }
});

const photo = {
  height: 40,
  width: 100,
  channels: 4,
  data: Uint8Array.from({ length: 16000 }, (_, k) => (k * k) % 256),
};

test("strength 0 gives the photo back; alpha and what is hidden are never changed", async () => {
  const { change, unchanged } = await deblur(fake(), photo);
  assert.equal(unchanged, false);
  assert.deepEqual([...blend(photo, change, 0).data], [...photo.data]);
  const after = blend(photo, change, 1).data;
  for (let k = 0; k < after.length; k += 4) {
    assert.equal(after[k + 3], photo.data[k + 3]);
    if (after[k + 3]) continue;
    assert.deepEqual([...after.slice(k, k + 3)], [...photo.data.slice(k, k + 3)]);
  }
});

test("a photo that the network leaves as it is is said to be unchanged", async () => {
  const network = fake(false);
  network.run = async ({ data }) => ({ restored: data, blur: null });
  const { change, unchanged } = await deblur(network, photo);
  assert.equal(unchanged, true);
  assert.ok(change.every((value) => value === 0));
});

test("work that is cancelled ends before the next run of the network", async () => {
  const network = fake();
  const cancel = new AbortController();
  let runs = 0;
  const { run } = network;
  network.run = (batch) => {
    runs++;
    cancel.abort();
    return run(batch);
  };
  const work = deblur(network, photo, { tile: 64, signal: cancel.signal });
  await assert.rejects(work, { name: "AbortError" });
  assert.equal(runs, 1);
});

test("a failure of the network is passed on", async () => {
  const network = fake();
  network.run = async () => {
    throw new Error("out of memory");
  };
  await assert.rejects(deblur(network, photo), /out of memory/);
});
