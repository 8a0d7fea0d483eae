// The result: the slider between before and after, the layers, and where each pixel comes from.
import { at, bytes } from "./api.js";
import { make } from "./editor.js";

const by = id => document.getElementById(id);
const NAMES = { kept: "kept", copied: "copied", filled: "filled in", invented: "invented", mirrored: "from the other side" };
const SAID = { kept: "The photo's own pixel, as it was.", copied: "Copied from the place that is marked in the photo.",
  filled: "Background that the person hid: filled in.", invented: "Invented: the photo does not show it.",
  mirrored: "Hidden in the photo: copied from the body's other side, from the place that is marked." };
const TOLD = {
  flow: "From where each pixel of the person was copied: the hue is the direction, the strength the distance; white hardly moved. Grey stayed as it was, or was not copied.",
  visibility: "What of the person the photo shows, as the network sees it: yellow is shown and copied, violet is hidden and invented." };

export class Result {
  constructor() {
    by("slide").addEventListener("input", () => by("result-frame").style.setProperty("--at", by("slide").value + "%"));
    by("tint").addEventListener("change", () => { by("origin-kinds").hidden = !by("tint").checked; });
    const origin = by("origin");
    origin.addEventListener("pointermove", event => {
      const box = by("origin-result").getBoundingClientRect();
      this.ask((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
    origin.addEventListener("keydown", event => {
      const step = event.shiftKey ? .05 : .01, arrows = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (!arrows[event.key]) return;
      event.preventDefault();
      const [x, y] = this.point || [.5, .5];
      this.ask(Math.min(.999, Math.max(0, x + arrows[event.key][0])), Math.min(.999, Math.max(0, y + arrows[event.key][1])));
    });
  }

  // result: what the server says of it. photo: {thing, size} it was made from.
  show(thing, result, photo) {
    Object.assign(this, { thing, result, photo, map: null, point: null });
    const same = result.size[0] === photo.size[0] && result.size[1] === photo.size[1];
    by("result-frame").classList.toggle("apart", !same);
    by("after").src = at(thing, result.view); by("before").src = at(photo.thing, "view.jpg");
    by("slide").value = 50; by("result-frame").style.setProperty("--at", "50%");
    by("origin-result").src = at(thing, result.view); by("origin-kinds").src = at(thing, result.provenance);
    by("origin-photo").src = at(photo.thing, "view.jpg");
    by("origin-told").textContent = "Point at the picture to see where a pixel came from.";
    by("origin-lines").replaceChildren(); by("origin-dot").replaceChildren();
    this.shares(result.shares);
  }

  layer(name) {
    by("layer-under").src = at(this.thing, this.result.view);
    by("layer").src = at(this.thing, this.result[name]);
    by("layer").alt = TOLD[name];
    by("layer-told").textContent = TOLD[name];
  }

  shares(shares) {
    const kinds = Object.keys(NAMES), percent = share => share > 0 && share < .001 ? "< 0.1 %" : (100 * share).toFixed(1) + " %";
    by("shares").replaceChildren(...kinds.filter(kind => shares[kind] > 0).map(kind => {
      const part = document.createElement("span");
      part.className = kind; part.style.flexGrow = shares[kind];
      return part;
    }));
    by("shares").setAttribute("aria-label", kinds.map(kind => `${percent(shares[kind])} ${NAMES[kind]}`).join(", "));
    by("invented").textContent = percent(shares.invented);
    by("shares-list").replaceChildren(...kinds.map(kind => {
      const item = document.createElement("li"), mark = document.createElement("i"), number = document.createElement("b");
      mark.className = kind; number.textContent = percent(shares[kind]);
      item.append(mark, NAMES[kind], number);
      return item;
    }));
  }

  async load() {
    if (this.map) return;
    const { file, size: [h, w], kinds, nowhere } = this.result.map, content = await bytes(this.thing, file);
    this.map = { h, w, kinds, nowhere, kind: new Uint8Array(content, 0, h * w), place: new DataView(content, h * w) };
  }

  ask(x, y) {
    if (!this.map || x < 0 || y < 0 || x >= 1 || y >= 1) return;
    this.point = [x, y];
    const { h, w, kind, kinds, place, nowhere } = this.map, k = Math.floor(y * h) * w + Math.floor(x * w);
    const px = place.getUint16(4 * k, true), py = place.getUint16(4 * k + 2, true), what = kinds[kind[k]];
    const [ph, pw] = this.photo.size, known = px !== nowhere && py !== nowhere;
    by("origin-told").textContent = SAID[what] + (known && (what === "copied" || what === "mirrored") ? ` (${px} across, ${py} down)` : "");
    const lines = by("origin-lines"), dot = by("origin-dot");
    lines.setAttribute("viewBox", "0 0 1 1"); lines.setAttribute("preserveAspectRatio", "none");
    lines.replaceChildren();
    const box = by("origin-result").getBoundingClientRect(), inset = by("origin-photo").getBoundingClientRect();
    lines.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    const [ax, ay] = [x * box.width, y * box.height];
    make("circle", { cx: ax, cy: ay, r: 8, fill: "none", stroke: "#000", "stroke-width": 4, "stroke-opacity": .5 }, lines);
    make("circle", { cx: ax, cy: ay, r: 8, fill: "none", stroke: "#fff", "stroke-width": 2 }, lines);
    dot.replaceChildren();
    if (!known) return;
    const bx = inset.left - box.left + (px + .5) / pw * inset.width, by_ = inset.top - box.top + (py + .5) / ph * inset.height;
    const line = { x1: ax, y1: ay, x2: bx, y2: by_ };
    lines.prepend(make("line", { ...line, stroke: "#fff", "stroke-width": 1.6, "stroke-dasharray": "4 4" }));
    lines.prepend(make("line", { ...line, stroke: "#000", "stroke-width": 3.4, "stroke-opacity": .35 }));
    const end = make("circle", { cx: bx, cy: by_, r: 6, fill: "#ffffff40", stroke: "#fff", "stroke-width": 2 });
    lines.append(end);
  }
}
