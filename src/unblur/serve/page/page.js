// The page: files on their way to the server, what it says of them, and what is shown.
// Gradio hands over {element, trigger, props, watch}: `trigger` starts the work, `props.value` is
// what the server says of the visit, and `watch` tells when that changes.

import { Viewer } from "./viewer.js";

const AT_ONCE = 2; // uploads
const GONE = "is no longer on the server";
const PATIENCE = 15000; // milliseconds without news, while there is work, before asking again
const STAY = 45000; // milliseconds between two signs that the page is open

class Page {
  constructor({ element, trigger, props, watch }) {
    this.root = element.querySelector(".unblur");
    this.trigger = trigger;
    this.photos = []; // {key, name, file, sent, error} of here, and {id, ...} of the server
    this.chosen = null;
    this.version = -1;
    this.keys = 0;
    this.heard = Date.now();
    this.find = (selector) => this.root.querySelector(selector);
    this.viewer = new Viewer(this.root);
    this.ready = new Promise((resolve) => (this.opened = resolve));
    this.listen();
    const news = () => this.hear(props.value);
    watch("value", news);
    news();
    setInterval(() => this.ask(), 1000);
    setInterval(() => this.stay(), STAY);
  }

  // What comes in

  hear(state) {
    if (state?.gone) this.lose();
    if (!state?.visit) return;
    if (!this.visit) this.open(state);
    if (state.visit !== this.visit || state.version < this.version) return;
    this.version = state.version;
    this.heard = Date.now();
    const known = new Map(state.photos.map((photo) => [photo.id, photo]));
    for (const photo of this.photos) {
      if (photo.id && known.has(photo.id)) Object.assign(photo, known.get(photo.id));
    }
    this.render();
  }

  open(state) {
    this.visit = state.visit;
    this.limits = state.limits;
    const model = this.find(".model");
    model.replaceChildren(...state.models.map((name) => new Option(name, name)));
    this.find(".files").accept = state.accept.join(",");
    this.find(".limits").textContent = state.about;
    this.opened();
  }

  /** The server knows nothing of this page any more. */
  lose() {
    this.warn("This page was idle for long, and its photos are no longer on the server. Reload it to start again.");
    for (const photo of this.photos) {
      if (["waiting", "working"].includes(photo.state)) Object.assign(photo, { state: "failed", error: GONE });
    }
    this.render();
  }

  /** Work that nobody speaks of any more, because the connection broke, is asked for again. */
  ask() {
    const open = this.photos.some(
      (photo) => ["waiting", "working"].includes(photo.state) || photo.measuring,
    );
    if (open && Date.now() - this.heard > PATIENCE) this.work();
  }

  /** Says that the page is still open, whatever became of Gradio's own connection. */
  async stay() {
    if (!this.visit) return;
    try {
      const answer = await fetch(`page/${this.visit}`);
      if ((await answer.json()).gone) this.lose();
      else this.warn("");
    } catch {
      this.warn("The server cannot be reached at the moment.");
    }
  }

  work() {
    this.heard = Date.now();
    const [model, best] = [this.find(".model").value, this.find(".best").checked];
    const scale = this.find(".scale").value;
    this.trigger("submit", { visit: this.visit, model, best, scale });
  }

  async add(files) {
    const added = [...files].map((file) => ({
      key: ++this.keys,
      name: file.name || "pasted.png",
      file,
      state: "sending",
      sent: 0,
    }));
    if (!added.length) return;
    this.photos.push(...added);
    this.chosen ??= added[0].key;
    this.render();
    await this.ready;
    this.send();
  }

  send() {
    const sending = this.photos.filter((photo) => photo.request).length;
    const waiting = this.photos.filter((photo) => photo.file && !photo.request);
    for (const photo of waiting.slice(0, Math.max(0, AT_ONCE - sending))) this.upload(photo);
  }

  upload(photo) {
    if (photo.file.size > this.limits.bytes) {
      this.end(photo, { error: `is larger than ${size(this.limits.bytes)}, the most that is taken here` });
      return;
    }
    const request = new XMLHttpRequest();
    photo.request = request;
    request.open("POST", `page/${this.visit}/photos?name=${encodeURIComponent(photo.name)}`);
    request.upload.onprogress = (event) => {
      photo.sent = event.total ? event.loaded / event.total : 0;
      this.render();
    };
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // Not from unblur, but from something before it.
      }
      if (request.status === 200) this.end(photo, answer);
      else if (answer.gone) {
        this.end(photo, { error: GONE });
        this.lose();
      }
      else this.end(photo, { error: answer.detail ?? `was not taken by the server (${request.status})` });
    };
    request.onerror = () => this.end(photo, { error: "did not arrive: the connection broke" });
    request.send(photo.file);
  }

  end(photo, answer) {
    photo.request = photo.file = null;
    if (answer.error) Object.assign(photo, { state: "failed", error: answer.error });
    else Object.assign(photo, answer);
    this.render();
    this.send();
    if (!answer.error) this.work();
  }

  remove(photo) {
    const at = this.photos.indexOf(photo);
    this.forget(photo);
    if (this.chosen === photo.key) {
      this.chosen = (this.photos[at] ?? this.photos[at - 1])?.key ?? null;
    }
    this.rest();
  }

  clear() {
    for (const photo of [...this.photos]) this.forget(photo);
    this.chosen = null;
    this.rest();
  }

  forget(photo) {
    photo.request?.abort();
    this.photos.splice(this.photos.indexOf(photo), 1);
    if (!photo.id) return;
    const address = `page/${this.visit}/photos/${photo.id}`;
    fetch(address, { method: "DELETE", keepalive: true }).catch(() => {});
  }

  /** Shows what is left after some went. */
  rest() {
    this.said = null;
    this.render();
    this.send();
    this.find(this.photos.length ? ".remove" : ".choose").focus();
  }

  // What is shown

  get current() {
    return this.photos.find((photo) => photo.key === this.chosen);
  }

  get strength() {
    return Number(this.find(".strength").value) / 100;
  }

  render() {
    const some = this.photos.length > 0;
    this.root.dataset.state = some ? "open" : "empty";
    this.find(".welcome").hidden = some;
    this.find(".desk").hidden = !some;
    this.find(".actions").hidden = !some;
    this.renderStrip();
    if (!some) {
      this.say("");
      return;
    }
    this.renderStage(this.current);
    this.renderPanel(this.current);
  }

  renderStage(photo) {
    const busy = ["sending", "waiting", "working"].includes(photo.state);
    const again = busy && photo.after;
    this.viewer.show(
      photo.width
        ? { ...photo, id: photo.key }
        : { id: photo.key, name: photo.name, width: 3, height: 2 },
    );
    this.viewer.strength = this.strength;
    this.find(".viewer").classList.toggle("blank", !photo.width);
    this.find(".stage").setAttribute("aria-busy", String(busy));
    const box = this.find(".busy");
    box.hidden = !busy;
    box.classList.toggle("again", Boolean(again));
    const [text, share] = doing(photo);
    this.find(".doing").textContent = text;
    const meter = this.find(".meter");
    const percent = Math.round(share * 100);
    const unknown = percent === 0 && photo.state !== "sending";
    meter.classList.toggle("unknown", unknown);
    if (unknown) meter.removeAttribute("aria-valuenow");
    else meter.setAttribute("aria-valuenow", percent);
    meter.firstElementChild.style.width = `${percent}%`;

    const notice = this.find(".notice");
    const failed = photo.state === "failed";
    notice.hidden = !failed && !(photo.state === "done" && photo.unchanged);
    notice.classList.toggle("failed", failed);
    notice.querySelector("strong").textContent = failed ? "This one did not work" : "Already sharp";
    notice.querySelector("span").textContent = failed
      ? `${photo.name} ${photo.error}.`
      : "Nothing in this photo needed help; its download is the very file you gave.";

    if (busy) {
      // A listener need not hear every percent.
      const quarter = Math.floor(share * 4) * 25;
      const heard = photo.state === "waiting" ? text : `${text.replace(/ \d+ %$/, "")} ${quarter} %`;
      this.say(`${photo.name}: ${heard}`);
    } else if (failed) {
      this.say(`${photo.name} ${photo.error}`);
    } else {
      this.say(`${photo.name}: ${photo.unchanged ? "already sharp, unchanged" : "done"}`);
    }
  }

  renderPanel(photo) {
    this.find(".name").textContent = photo.name;
    this.find(".details").textContent = photo.details ?? "";
    this.find(".measured").textContent = photo.blur?.words ?? "";
    this.find(".scales").textContent = (photo.state === "done" && photo.scales) || "";
    this.find(".notes").textContent = (photo.state === "done" && photo.notes) || "";
    const percent = `${Math.round(this.strength * 100)} %`;
    this.find(".percent").value = percent;
    this.find(".strength").setAttribute("aria-valuetext", percent);
    const done = this.photos.filter((one) => one.state === "done");
    const query = `?strength=${this.strength}`;
    const ready = photo.state === "done";
    link(this.find(".download"), ready && `page/${this.visit}/photos/${photo.id}/result${query}`);
    const target = ready && photo.result ? photo.result : "";
    this.find(".target").textContent = target;
    this.find(".download").setAttribute("aria-label", target ? `Download ${target}` : "Download");
    const all = this.find(".all");
    all.hidden = this.photos.length < 2;
    all.textContent = `Download all ${done.length} as a zip`;
    link(all, done.length > 0 && `page/${this.visit}/all.zip${query}&photos=${done.map((one) => one.id)}`);
    this.find(".remove").textContent = photo.state === "failed" ? "Remove" : "Remove this photo";
  }

  renderStrip() {
    const strip = this.find(".strip");
    strip.hidden = this.photos.length < 2;
    for (const [index, photo] of this.photos.entries()) {
      let item = strip.querySelector(`[data-key="${photo.key}"]`);
      if (!item) {
        item = document.createElement("li");
        item.dataset.key = photo.key;
        item.innerHTML =
          '<button type="button"><img alt="" hidden><span class="mark"></span>' +
          '<span class="badge" hidden></span></button>';
        item.firstChild.addEventListener("click", () => {
          this.chosen = photo.key;
          this.said = null;
          this.render();
        });
      }
      if (strip.children[index] !== item) strip.insertBefore(item, strip.children[index] ?? null);
      const button = item.firstChild;
      const [image, mark, badge] = button.children;
      const label = photo.state === "done" ? "done" : photo.state === "failed" ? "failed" : doing(photo)[0];
      const sharpness = photo.blur ? `sharpness ${photo.blur.score} of 100` : "";
      const all = [photo.name, label, sharpness].filter(Boolean);
      button.setAttribute("aria-label", all.join(", "));
      button.title = photo.name;
      badge.hidden = !photo.blur;
      badge.dataset.level = photo.blur?.level ?? "";
      badge.textContent = photo.blur?.score ?? "";
      badge.title = photo.blur?.words ?? "";
      button.setAttribute("aria-current", String(photo.key === this.chosen));
      mark.dataset.state = photo.state;
      mark.style.setProperty("--share", doing(photo)[1]);
      if (photo.thumb && image.hidden) {
        image.src = photo.thumb;
        image.hidden = false;
      }
    }
    const keys = new Set(this.photos.map((photo) => String(photo.key)));
    for (const item of [...strip.children]) if (!keys.has(item.dataset.key)) item.remove();
  }

  warn(text) {
    const banner = this.find(".banner");
    banner.hidden = !text;
    if (banner.textContent !== text) banner.textContent = text;
  }

  say(text) {
    if (text === this.said) return;
    this.said = text;
    this.find(".live").textContent = text;
  }

  // What people do

  listen() {
    const on = (selector, type, act) => this.find(selector).addEventListener(type, act);
    const files = this.find(".files");
    const choose = () => files.click();
    on(".choose", "click", choose);
    on(".add", "click", choose);
    files.addEventListener("change", () => {
      this.add([...files.files]);
      files.value = "";
    });
    on(".example", "click", () => this.example());
    on(".remove", "click", () => this.remove(this.current));
    on(".clear", "click", () => this.clear());
    on(".strength", "input", () => {
      this.viewer.strength = this.strength;
      this.renderPanel(this.current);
    });
    on(".model", "change", () => this.work());
    on(".best", "change", () => this.work());
    on(".scale", "change", () => this.work());
    this.listenToDrops();
    document.addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files ?? [])];
      if (!pasted.length) return;
      event.preventDefault();
      this.add(pasted);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.stay();
      this.ask();
    });
  }

  listenToDrops() {
    const veil = this.find(".veil");
    let depth = 0;
    const over = (by) => {
      depth = by === 0 ? 0 : Math.max(0, depth + by);
      veil.hidden = depth === 0;
    };
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragenter", (event) => carriesFiles(event) && over(1));
    document.addEventListener("dragleave", (event) => carriesFiles(event) && over(-1));
    document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      over(0);
      this.add([...event.dataTransfer.files]);
    });
  }

  async example() {
    const answer = await fetch("page/static/example.jpg");
    this.add([new File([await answer.blob()], "example.jpg", { type: "image/jpeg" })]);
  }
}

function doing(photo) {
  if (photo.state === "sending") {
    return [`Uploading ${Math.round(photo.sent * 100)} %`, photo.sent];
  }
  if (photo.state === "waiting") {
    const place = photo.place ?? 0;
    return [place > 0 ? `Waiting, ${place} before it` : "Waiting for its turn", 0];
  }
  if (photo.state === "working") {
    const percent = Math.round(photo.progress * 100);
    return [percent ? `Deblurring ${percent} %` : "Deblurring", photo.progress];
  }
  return ["", 1];
}

function link(anchor, address) {
  anchor.setAttribute("aria-disabled", String(!address));
  if (address) anchor.href = address;
  else anchor.removeAttribute("href");
}

function size(bytes) {
  return bytes >= 2 ** 20 ? `${Math.round(bytes / 2 ** 20)} MB` : `${Math.ceil(bytes / 1024)} kB`;
}

// Gradio may have rendered the page before this was loaded, or renders it later.
const waiting = window.unblurPage ?? [];
window.unblurPage = { push: (given) => new Page(given) };
for (const given of waiting) new Page(given);
