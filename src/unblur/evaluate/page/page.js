"use strict";

for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => sort(table, heads, column));
  });
}

function sort(table, heads, column) {
  const head = heads[column];
  const before = head.getAttribute("aria-sort");
  const first = head.dataset.better === "higher" ? "descending" : "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const order = before === first ? second : first;
  for (const other of heads) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: key(row.cells[column]) }));
  const sign = order === "ascending" ? 1 : -1;
  rows.sort((a, b) => {
    // What was not measured stays last, whatever the order.
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
    return sign * (typeof a.key === "string" ? a.key.localeCompare(b.key) : a.key - b.key || 0);
  });
  table.tBodies[0].append(...rows.map(({ row }) => row));
}

function key(cell) {
  const value = cell.dataset.value;
  if (value === undefined) return cell.textContent;
  return value === "" ? null : Number(value);
}

const frames = [...document.querySelectorAll(".frame")];
const sides = ["left", "right"];

function show() {
  for (const frame of frames) {
    for (const side of sides) {
      const kind = document.getElementById(side).value;
      const images = [...frame.querySelectorAll("img")];
      // Not every picture has a sharp one or every model's.
      const shown = images.find((image) => image.dataset.kind === kind) ?? images[0];
      for (const image of images) image.classList.toggle(side, image === shown);
      frame.querySelector(`.tag.${side}`).textContent = shown.dataset.title;
    }
    cut(frame);
  }
}

function cut(frame) {
  const input = frame.querySelector("input");
  const tags = sides.map((side) => frame.querySelector(`.tag.${side}`).textContent);
  frame.style.setProperty("--cut", `${input.value}%`);
  input.setAttribute("aria-valuetext", `${input.value} % ${tags[0]}, the rest ${tags[1]}`);
}

for (const frame of frames) {
  const input = frame.querySelector("input");
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    input.value = (100 * (event.clientX - box.left)) / box.width;
    cut(frame);
  };
  input.addEventListener("input", () => cut(frame));
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    input.focus({ preventScroll: true, focusVisible: false });
    follow(event);
  });
  frame.addEventListener("pointermove", (event) => {
    if (frame.hasPointerCapture(event.pointerId)) follow(event);
  });
}

for (const side of sides) document.getElementById(side)?.addEventListener("change", show);
if (frames.length) show();
