// Makes of each figure of class "compare", which holds a picture before and one after, one picture
// with a divider: a range input lies over it, so that fingers, a mouse and arrow keys move it.
// Without scripts the two pictures stay below one another.

for (const figure of document.querySelectorAll("figure.compare")) {
  const [before, after] = figure.querySelectorAll("img");
  if (!before || !after) continue;
  const stage = document.createElement("div");
  stage.className = "stage";
  const cut = document.createElement("input");
  Object.assign(cut, { type: "range", min: 0, max: 100, step: 1, value: 50 });
  cut.setAttribute("aria-label", `Divider: ${before.alt} on the left, ${after.alt} on the right`);
  const divider = document.createElement("i");
  const [left, right] = ["before", "after"].map((text) => {
    const tag = document.createElement("span");
    Object.assign(tag, { className: `tag ${text}`, textContent: text });
    return tag;
  });
  const paragraph = before.parentElement;
  before.loading = after.loading = "eager";
  after.classList.add("over");
  stage.append(before, after, cut, divider, left, right);
  if (paragraph?.tagName === "P") paragraph.replaceWith(stage);
  else figure.prepend(stage);
  const move = () => {
    stage.style.setProperty("--cut", `${cut.value}%`);
    left.classList.toggle("away", +cut.value < 12);
    right.classList.toggle("away", +cut.value > 88);
  };
  cut.addEventListener("input", move);
  // Where a range's thumb is only dragged, a touch anywhere takes the divider there.
  const point = (/** @type {PointerEvent} */ event) => {
    const box = stage.getBoundingClientRect();
    cut.value = String((100 * (event.clientX - box.left)) / box.width);
    move();
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    point(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) point(event);
  });
}
