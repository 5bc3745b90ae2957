import assert from "node:assert/strict";
import test from "node:test";

import { cellsAt } from "../src/engine/cells.js";
import * as gate from "../src/engine/gate.js";
import { measure } from "../src/engine/measure.js";
import { fullSize } from "../src/engine/pixels.js";
import { enlarge, reduced } from "../src/engine/resample.js";
import { chooseScales } from "../src/engine/scales.js";
import { runTiled, spans } from "../src/engine/tiling.js";
import { scaleWords } from "../src/engine/words.js";
import { cases, difference, fake, pixelsOf, planesOf, vectors } from "./fake.js";

const begin = async () => {};

test("tiles and their weights are those of tiling.py", vectors, () => {
  for (const { length, tile, overlap, multiple, spans: expected } of cases("tiles")) {
    const found = spans(length, tile, overlap, multiple);
    assert.equal(found.length, expected.length);
    for (const [k, [start, stop, weights]] of expected.entries()) {
      assert.ok(found[k][0] === start && found[k][1] === stop);
      assert.ok(difference(found[k][2], weights.data) < 1e-6);
    }
  }
});

test("an operator that changes nothing gives the image back, whatever the tiles", async () => {
  const [height, width, channels] = [150, 130, 2];
  const image = Float32Array.from({ length: height * width * channels }, (_, k) => k % 251);
  /** @param {import("../src/engine/tiling.js").Range} y
   * @param {import("../src/engine/tiling.js").Range} x */
  const read = async (y, x) => {
    const rows = Array.from({ length: y[1] - y[0] }, (_, k) => (y[0] + k) * width);
    return Float32Array.from(
      rows.flatMap((row) => [...image.subarray((row + x[0]) * 2, (row + x[1]) * 2)]),
    );
  };
  let top = 0;
  const shape = { height, width, channels };
  for await (const [start, stop, data] of runTiled(read, shape, 64, 16, 16)) {
    assert.equal(start, top);
    const expected = image.subarray(start * width * channels, stop * width * channels);
    assert.ok(difference(data, expected) < 1e-3);
    top = stop;
  }
  assert.equal(top, height);
});

test("colours under transparency are filled in as the package does", vectors, () => {
  for (const { pixels, colours } of cases("colours")) {
    const { height, width } = pixelsOf(pixels);
    const found = fullSize(pixelsOf(pixels)).read([0, height], [0, width]);
    assert.ok(difference(found, colours.data) < 1e-6);
  }
});

test("a part of a photo made smaller is as the package makes it", vectors, () => {
  for (const { pixels, scale, y, x, found } of cases("smaller")) {
    assert.ok(difference(reduced(pixelsOf(pixels), scale).read(y, x), found.data) < 1e-5);
  }
});

test("an image in strips is enlarged as the package enlarges the whole", vectors, async () => {
  for (const { image, found } of cases("larger")) {
    const [height, width, channels] = image.shape;
    const length = width * channels;
    /** @type {() => AsyncGenerator<import("../src/engine/tiling.js").Strip>} */
    const strips = async function* () {
      for (let start = 0; start < height; start += 3) {
        const stop = Math.min(start + 3, height);
        yield [start, stop, image.data.subarray(start * length, stop * length)];
      }
    };
    const [rows, columns] = found.shape;
    const out = new Float32Array(found.data.length);
    const size = { height: rows, width: columns };
    await enlarge(strips(), { height, width, channels }, size, (y, row) => {
      out.set(row, y * row.length);
    });
    assert.ok(difference(out, found.data) < 1e-5);
  }
});

test("cells are interpolated as the package does", vectors, () => {
  for (const { cells, y, x, cell, found } of cases("cells")) {
    const [height, width] = cells.shape;
    const values = cellsAt({ height, width, data: cells.data }, y, x, cell);
    assert.ok(difference(values, found.data) < 1e-6);
  }
});

test("the change mask and the gate are the package's", vectors, () => {
  for (const { change, mask } of cases("masks")) {
    const [height, width, channels] = change.shape;
    assert.ok(difference(gate.changeMask(change.data, height, width, channels), mask.data) < 1e-4);
  }
  for (const { planes, share, weights, blurred } of cases("gates")) {
    const found = gate.weights(planesOf(planes), share);
    assert.ok(difference(found.flatMap((data) => [...data]), weights.data) < 1e-5);
    const measured = gate.blurredShare(planesOf(planes));
    assert.ok(Math.abs(measured - blurred) < 1e-6);
  }
  for (const { colours, found } of cases("noise")) {
    const [height, width, channels] = colours.shape;
    assert.ok(Math.abs(gate.noisy(colours.data, height, width, channels) - found) < 1e-4);
  }
});

test("blur is measured as the package measures it", vectors, async () => {
  for (const { pixels, scale, tile, planes } of cases("measures")) {
    const found = await measure(fake(), pixelsOf(pixels), scale, tile, begin);
    const expected = planesOf(planes);
    assert.deepEqual([found.height, found.width], [expected.height, expected.width]);
    assert.ok(difference(found.data, expected.data) < 0.01);
  }
});

test("scales are chosen as the package chooses them", vectors, async () => {
  for (const { pixels, tile, weights, seen, blurred } of cases("scales")) {
    const found = await chooseScales(fake(), pixelsOf(pixels), tile, begin);
    assert.deepEqual([...found.weights.keys()], [...new Map(weights).keys()]);
    for (const [scale, expected] of weights) {
      assert.ok(difference(found.weights.get(scale)?.data ?? [], expected.data) < 1e-3);
    }
    if (seen) assert.ok(difference(found.seen.data, seen.data) < 0.1);
    else assert.equal(found.seen.data[0], Infinity);
    assert.ok(Math.abs(found.blurredShare - blurred) < 1e-6);
  }
});

test("scales are said in the server's words", vectors, () => {
  for (const { shares, chosen, words } of cases("said")) {
    assert.equal(scaleWords(new Map(shares), chosen), words);
  }
});
