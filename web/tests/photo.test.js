import assert from "node:assert/strict";
import { test } from "node:test";
import { setCodecs } from "../src/photo/photo.js";
import { decodeJpeg, encodeJpeg } from "../src/photo/codecs.js";
import { onSquares, reduced, upright } from "../src/photo/pixels.js";
import { modules } from "./photo-modules.js";

setCodecs(modules);

/** @param {number} width @param {number} height @param {number} channels */
function noise(width, height, channels) {
  let state = 1;
  const data = Uint8Array.from({ length: width * height * channels }, () => {
    state = (state * 48271) % 2147483647;
    return state & 1 ? 255 : 0;
  });
  return { data, width, height, channels };
}

test("a JPEG of noise has its size, however small or thin", async () => {
  for (const [width, height] of [[1, 1], [1, 90], [7, 3], [300, 2], [2, 300], [64, 65]]) {
    for (const channels of [1, 3]) {
      for (const progressive of [false, true]) {
        const file = await encodeJpeg(noise(width, height, channels), 100, progressive);
        const back = await decodeJpeg(file);
        assert.deepEqual([back.width, back.height], [width, height]);
        assert.ok(back.channels === channels || width * height < 100);
      }
    }
  }
});

test("a reduced picture is the mean of the areas", () => {
  for (const [width, height, channels, side] of [[40, 30, 3, 20], [37, 23, 2, 9], [5, 50, 1, 7], [3, 200, 4, 5]]) {
    const picture = noise(width, height, channels);
    const small = reduced(picture, side);
    assert.equal(Math.max(small.width, small.height), side);
    for (let y = 0; y < small.height; y++) {
      for (let x = 0; x < small.width; x++) {
        for (let c = 0; c < channels; c++) {
          const mean = area(picture, (x * width) / small.width, (y * height) / small.height, c, small);
          const got = small.data[(y * small.width + x) * channels + c];
          assert.ok(Math.abs(got - mean) <= 0.51, `${got} of ${mean}`);
        }
      }
    }
  }
});

test("a small picture is not reduced", () => {
  const picture = noise(20, 10, 3);
  assert.equal(reduced(picture, 20), picture);
});

test("turning by each orientation and back is the picture", () => {
  const picture = noise(5, 3, 3);
  for (const [there, back] of [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 8], [7, 7], [8, 6]]) {
    assert.deepEqual(upright(upright(picture, there), back), picture);
  }
});

test("transparency shows squares of 8 pixels, and what is opaque is as it was", () => {
  const data = new Uint8Array(16 * 8 * 2);
  data.set([77, 255], 0);
  const shown = onSquares({ data, width: 16, height: 8, channels: 2 });
  assert.equal(shown.channels, 1);
  assert.deepEqual([...shown.data.subarray(0, 2), ...shown.data.subarray(7, 9)], [77, 238, 238, 210]);
});

/**
 * The mean of one channel over the area of a pixel of the small picture, at (left, top).
 * @param {import("../src/photo/pixels.js").Picture} picture
 * @param {number} left
 * @param {number} top
 * @param {number} c
 * @param {{width: number, height: number}} small
 */
function area({ data, width, height, channels }, left, top, c, small) {
  const [right, bottom] = [left + width / small.width, top + height / small.height];
  let sum = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const across = Math.min(right, x + 1) - Math.max(left, x);
      const down = Math.min(bottom, y + 1) - Math.max(top, y);
      if (across > 0 && down > 0) sum += across * down * data[(y * width + x) * channels + c];
    }
  }
  return sum / ((right - left) * (bottom - top));
}
