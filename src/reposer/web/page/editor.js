// The skeleton over the photo: joints that are dragged, moved by keys, removed and restored, with undo and redo.
// A pose is {skeleton, size: [h, w], joints: {name: [x, y, score?] | null}, limbs: [[a, b], ...]}; joints in pixels of the
// photo, (0, 0) being the centre of the first one.

const SVG = "http://www.w3.org/2000/svg";
const UNSURE = 0.4;                     // below this score a joint is marked as uncertain
const DOT = 6.5, RING = 12, HIT = 17;   // radii on the screen, in CSS pixels
const STEP = 1 / 150;                   // of the photo's larger side: what an arrow key moves; with Shift five times as far
// What moves along when this joint is moved, so that a limb stays whole.
const BEYOND = {
  shoulder: ["elbow", "wrist"], elbow: ["wrist"], hip: ["knee", "ankle"], knee: ["ankle"],
};
const OF_FACE = /jaw|chin|brow|nose_|nostril|_eye_|lips|mouth|pupil/;
const FEET = ["big_toe", "small_toe", "heel"], HAND = ["hand_root", "thumb", "index", "middle", "ring", "pinky"];

export const clone = pose => structuredClone(pose);
export const side = name => name.startsWith("right_") ? "right" : name.startsWith("left_") ? "left" : "middle";
const spoken = name => name.replaceAll("_", " ");
const partner = name => name.startsWith("left_") ? "right_" + name.slice(5) : name.startsWith("right_") ? "left_" + name.slice(6) : name;

export function make(tag, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

export function mirrored(pose) {
  const seen = Object.values(pose.joints).filter(Boolean), xs = seen.map(p => p[0]);
  const middle = (Math.min(...xs) + Math.max(...xs)) / 2, joints = {};
  for (const name of Object.keys(pose.joints)) {
    const other = pose.joints[partner(name)];
    joints[name] = other ? [2 * middle - other[0], ...other.slice(1)] : null;
  }
  return { ...pose, joints };
}

export class Editor {
  // changed: called after each change. svg: over the picture. named: says the chosen joint.
  constructor(svg, { changed, named }) {
    Object.assign(this, { svg, changed, named, pose: null, ghost: null, past: [], future: [], chosen: null, others: { boxes: [] }, whole: false, follow: true, parts: {} });
    new ResizeObserver(() => this.draw()).observe(svg);
    svg.addEventListener("pointermove", event => this.dragged(event));
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { if (this.drag) { this.drag = null; this.changed(); } });
  }

  // A new pose to edit; its history is kept only if it continues.
  show(pose, ghost = null) {
    this.pose = pose; this.ghost = ghost;
    if (this.chosen && !pose?.joints[this.chosen]) this.chosen = null;
    this.build();
  }

  begin(pose, ghost) { this.past = []; this.future = []; this.show(pose, ghost); }

  // Everything that changes a pose goes through here, so that it can be undone.
  keep() { this.past.push(clone(this.pose)); this.future = []; if (this.past.length > 300) this.past.shift(); }
  replace(pose) { this.keep(); this.pose = pose; this.build(); this.changed(); }
  undo() { this.step(this.past, this.future); }
  redo() { this.step(this.future, this.past); }
  step(from, to) {
    if (!from.length) return;
    to.push(clone(this.pose));
    this.pose = from.pop();
    this.build(); this.changed();
  }

  get unit() { const box = this.svg.getBoundingClientRect(); return box.width ? this.pose.size[1] / box.width : 1; }

  // The photo's pixel under the pointer.
  place(event) {
    const box = this.svg.getBoundingClientRect(), [h, w] = this.pose.size;
    return [(event.clientX - box.left) / box.width * w - .5, (event.clientY - box.top) / box.height * h - .5];
  }

  build() {
    const { svg, pose } = this, focused = document.activeElement?.dataset?.joint;
    svg.replaceChildren();
    this.parts = { limbs: [], joints: {} };
    if (!pose) return;
    svg.setAttribute("viewBox", `0 0 ${pose.size[1]} ${pose.size[0]}`);
    if (this.ghost) this.lines(this.ghost, make("g", { class: "ghost" }, svg), []);
    this.lines(pose, make("g", {}, svg), this.parts.limbs);
    if (this.whole) this.frame();
    for (const [name, at] of Object.entries(pose.joints)) if (at) this.parts.joints[name] = this.joint(name);
    this.layPeople();
    this.draw();
    if (focused) this.parts.joints[focused]?.group.focus({ preventScroll: true });
  }

  lines(pose, group, found) {
    const seen = pose.limbs.filter(([a, b]) => pose.joints[a] && pose.joints[b]);
    for (const kind of ["halo", "limb"]) for (const [a, b] of seen) {
      const of = side(a) === "middle" ? side(b) : side(a);
      const line = make("line", { class: `${kind} ${kind === "limb" ? "of-" + of : ""}` }, group);
      found.push({ line, a, b, kind });
      for (const [k, p] of [[1, pose.joints[a]], [2, pose.joints[b]]]) { line.setAttribute("x" + k, p[0] + .5); line.setAttribute("y" + k, p[1] + .5); }
      if (group.classList.contains("ghost")) line.setAttribute("stroke-width", 3 * this.unit);
    }
  }

  joint(name) {
    const group = make("g", { class: "joint of-" + side(name), tabindex: 0, role: "button", "data-joint": name }, this.svg);
    const part = { group, hit: make("circle", { class: "hit" }, group), ring: make("circle", { class: "ring" }, group), dot: make("circle", { class: "dot" }, group) };
    group.addEventListener("pointerdown", event => {
      event.preventDefault(); group.focus({ preventScroll: true });
      this.svg.setPointerCapture(event.pointerId);
      this.drag = { name, from: this.place(event), kept: false };
    });
    group.addEventListener("focus", () => this.choose(name));
    group.addEventListener("keydown", event => this.keyed(event, name));
    return part;
  }

  choose(name) {
    this.chosen = name;
    for (const [other, part] of Object.entries(this.parts.joints)) part.group.classList.toggle("chosen", other === name);
    this.named(name ? spoken(name) + (this.unsure(name) ? " (uncertain)" : "") : "");
  }

  unsure(name) { const at = this.pose.joints[name]; return at && at.length > 2 && at[2] < UNSURE; }

  draw() {
    if (!this.pose) return;
    const u = this.unit, crowded = Object.keys(this.pose.joints).length > 40 ? .45 : 1;
    for (const { line, a, b, kind } of this.parts.limbs) {
      const p = this.pose.joints[a], q = this.pose.joints[b];
      for (const [key, value] of Object.entries({ x1: p[0] + .5, y1: p[1] + .5, x2: q[0] + .5, y2: q[1] + .5 })) line.setAttribute(key, value);
      line.setAttribute("stroke-width", (kind === "halo" ? 7 : 4) * u * crowded);
    }
    for (const [name, { group, hit, ring, dot }] of Object.entries(this.parts.joints)) {
      const [x, y] = this.pose.joints[name], unsure = this.unsure(name);
      group.setAttribute("transform", `translate(${x + .5} ${y + .5})`);
      group.classList.toggle("unsure", Boolean(unsure));
      group.setAttribute("aria-label", `${spoken(name)}, ${Math.round(x)} across, ${Math.round(y)} down${unsure ? ", uncertain" : ""}`);
      const small = /eye|ear|nose/.test(name) ? .74 : 1;
      hit.setAttribute("r", HIT * u * crowded * small); ring.setAttribute("r", RING * u * crowded * small); dot.setAttribute("r", DOT * u * crowded * small);
      for (const c of [ring, dot]) c.setAttribute("stroke-width", 2 * u * crowded);
      if (unsure) dot.setAttribute("stroke-dasharray", `${3 * u} ${2.4 * u}`); else dot.removeAttribute("stroke-dasharray");
    }
    if (this.parts.whole) this.layFrame();
  }

  along(name) {
    if (!this.follow) return [];
    const of = side(name) === "middle" ? "" : side(name) + "_", stem = name.slice(of.length);
    const names = (BEYOND[stem] || []).map(joint => of + joint);
    const all = Object.keys(this.pose.joints);
    if (name === "nose") names.push("left_eye", "right_eye", "left_ear", "right_ear", ...all.filter(j => OF_FACE.test(j)));
    if (names.includes(of + "wrist") || stem === "wrist") names.push(...all.filter(j => HAND.some(part => j.startsWith(of + part))));
    if (names.includes(of + "ankle") || stem === "ankle") names.push(...all.filter(j => FEET.some(part => j === of + part)));
    return names;
  }

  move(names, dx, dy, certain) {
    for (const name of names) {
      const at = this.pose.joints[name];
      if (!at) continue;
      at[0] = Math.round((at[0] + dx) * 100) / 100; at[1] = Math.round((at[1] + dy) * 100) / 100;
      if (name === certain && at.length > 2) at[2] = 1;
    }
    this.draw();
  }

  dragged(event) {
    const drag = this.drag;
    if (!drag) return;
    const to = this.place(event);
    if (!drag.kept) { this.keep(); drag.kept = true; }
    if (drag.corner) this.scale(Math.max(.05, Math.hypot(to[0] - drag.anchor[0], to[1] - drag.anchor[1]) /
                                 Math.max(1e-6, Math.hypot(drag.from[0] - drag.anchor[0], drag.from[1] - drag.anchor[1]))), drag.anchor);
    else this.move(drag.name ? [drag.name, ...this.along(drag.name)] : Object.keys(this.pose.joints), to[0] - drag.from[0], to[1] - drag.from[1], drag.name);
    drag.from = to;
    this.changed();
  }

  keyed(event, name) {
    const by = Math.max(...this.pose.size) * STEP * (event.shiftKey ? 5 : 1);
    const arrows = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    if (arrows[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault(); this.keep();
      this.move(name ? [name, ...this.along(name)] : Object.keys(this.pose.joints), ...arrows[event.key], name); this.changed();
    } else if (name && ["Delete", "Backspace"].includes(event.key)) { event.preventDefault(); this.remove(name); }
    else if (!name && ["+", "=", "-"].includes(event.key)) {
      event.preventDefault(); this.keep();
      const [left, top, right, bottom] = this.box();
      this.scale(event.key === "-" ? 1 / 1.03 : 1.03, [(left + right) / 2, (top + bottom) / 2]); this.changed();
    }
  }

  remove(name = this.chosen) {
    if (!name || !this.pose.joints[name]) return;
    const pose = clone(this.pose);
    pose.joints[name] = null; this.chosen = null;
    this.replace(pose); this.named("");
  }

  // A joint that is missing comes back beside its mirror partner, or between its neighbours.
  restore(name) {
    const pose = clone(this.pose), joints = pose.joints, [left, top, right, bottom] = this.box(), middle = (left + right) / 2;
    const other = joints[partner(name)];
    const near = pose.limbs.filter(limb => limb.includes(name)).map(([a, b]) => joints[a === name ? b : a]).filter(Boolean);
    let at = [middle, (top + bottom) / 2];
    if (other && partner(name) !== name) at = [2 * (joints.neck ? joints.neck[0] : middle) - other[0], other[1]];
    else if (near.length) at = [near.reduce((s, p) => s + p[0], 0) / near.length, near.reduce((s, p) => s + p[1], 0) / near.length + (bottom - top) / 12];
    const scored = Object.values(joints).some(p => p && p.length > 2);
    joints[name] = scored ? [...at, 1] : at;
    this.replace(pose);
    this.parts.joints[name]?.group.focus();
  }

  missing() { return this.pose ? Object.keys(this.pose.joints).filter(name => !this.pose.joints[name]) : []; }

  box() {
    const seen = Object.values(this.pose.joints).filter(Boolean), xs = seen.map(p => p[0]), ys = seen.map(p => p[1]);
    return seen.length ? [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] : [0, 0, this.pose.size[1], this.pose.size[0]];
  }

  // What must be in view: the photo, and joints that leave it, unless they are very far away.
  reach() {
    const [h, w] = this.pose.size, [l, t, r, b] = this.box(), near = .03 * Math.max(h, w), far = Math.max(h, w);
    return [l < 0 ? Math.max(-far, l - near) : 0, t < 0 ? Math.max(-far, t - near) : 0, r > w ? Math.min(w + far, r + near) : w, b > h ? Math.min(h + far, b + near) : h];
  }

  scale(by, [x, y]) {
    for (const at of Object.values(this.pose.joints)) if (at) { at[0] = x + (at[0] - x) * by; at[1] = y + (at[1] - y) * by; }
    this.draw();
  }

  // The frame by which the whole pose is moved and scaled.
  frame() {
    const rect = make("rect", { class: "whole", tabindex: 0, role: "button", "aria-label": "The whole pose: arrow keys move it, plus and minus scale it" }, this.svg);
    rect.addEventListener("pointerdown", event => { event.preventDefault(); rect.focus({ preventScroll: true }); this.svg.setPointerCapture(event.pointerId); this.drag = { from: this.place(event) }; });
    rect.addEventListener("keydown", event => this.keyed(event, null));
    const corners = [0, 1, 2, 3].map(k => {
      const corner = make("rect", { class: "corner", "aria-hidden": "true" }, this.svg);
      corner.addEventListener("pointerdown", event => {
        event.preventDefault(); this.svg.setPointerCapture(event.pointerId);
        const [l, t, r, b] = this.box();
        this.drag = { corner: true, from: this.place(event), anchor: [k % 2 ? l : r, k > 1 ? t : b] };
      });
      return corner;
    });
    this.parts.whole = { rect, corners };
  }

  layFrame() {
    const u = this.unit, pad = 24 * u, [l, t, r, b] = this.box(), { rect, corners } = this.parts.whole;
    const set = (e, values) => Object.entries(values).forEach(([k, v]) => e.setAttribute(k, v));
    set(rect, { x: l - pad, y: t - pad, width: r - l + 2 * pad, height: b - t + 2 * pad, "stroke-width": 1.8 * u, rx: 6 * u });
    corners.forEach((corner, k) => set(corner, { x: (k % 2 ? r + pad : l - pad) - 8 * u, y: (k > 1 ? b + pad : t - pad) - 8 * u, width: 16 * u, height: 16 * u, rx: 4 * u, "stroke-width": u }));
  }

  // Boxes around several people; one is chosen.
  people(boxes, chosen, choose) { this.others = { boxes, chosen, choose }; this.layPeople(); }

  layPeople() {
    this.svg.querySelectorAll(".somebody").forEach(e => e.remove());
    if (!this.pose) return;
    const { boxes, chosen, choose } = this.others;
    boxes.forEach(([l, t, r, b], k) => {
      if (k === chosen) return;
      const rect = make("rect", { class: "somebody", x: l, y: t, width: r - l, height: b - t, rx: 8 * this.unit, "stroke-width": 2 * this.unit, tabindex: 0, role: "button", "aria-label": `Choose person ${k + 1}` });
      rect.addEventListener("click", () => choose(k));
      rect.addEventListener("keydown", event => { if (["Enter", " "].includes(event.key)) { event.preventDefault(); choose(k); } });
      this.svg.prepend(rect);
    });
  }
}

// A small picture of a pose, for lists.
export function thumbnail(joints, limbs, [h, w]) {
  const seen = Object.values(joints).filter(Boolean), xs = seen.map(p => p[0]), ys = seen.map(p => p[1]);
  const size = Math.max(Math.max(...xs) - Math.min(...xs), (Math.max(...ys) - Math.min(...ys)) * .75, w * .45) / .8, height = size / .75;
  const x = (Math.min(...xs) + Math.max(...xs) - size) / 2, y = (Math.min(...ys) + Math.max(...ys) - height) / 2;
  const svg = make("svg", { viewBox: `${x} ${y} ${size} ${height}`, "aria-hidden": "true" });
  for (const [a, b] of limbs) if (joints[a] && joints[b] && !/eye|ear/.test(b))
    make("line", { x1: joints[a][0], y1: joints[a][1], x2: joints[b][0], y2: joints[b][1], class: "of-" + (side(a) === "middle" ? side(b) : side(a)) }, svg);
  const head = joints.nose || joints.left_ear || joints.right_ear || joints.neck;
  if (head) make("circle", { cx: head[0], cy: head[1], r: 13, class: "of-middle" }, svg);
  return svg;
}
