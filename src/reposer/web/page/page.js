// The page: from a photo to its person in a new pose. All work is done by the server on this machine (see api.js).
import { Trouble, about, at, leave, send, upload, wait } from "./api.js";
import { Track, chooseMoment } from "./clip.js";
import { Editor, clone, mirrored, thumbnail } from "./editor.js";
import { Result } from "./result.js";

const by = id => document.getElementById(id);
const state = { know: null, mode: "picture", photo: null, source: null, target: null, edits: "target", clip: null, running: null, results: 0, asked: 0 };
const result = new Result(), track = new Track();
const editor = new Editor(by("skeleton"), { changed, named: name => { by("joint-name").textContent = name; by("remove").disabled = !name; } });

// ---- what is said

function trouble(error) {
  if (error?.name === "AbortError") return;
  by("trouble-text").textContent = error instanceof Trouble || error?.message ? error.message : String(error);
  by("trouble").hidden = false;
}
const calm = () => { by("trouble").hidden = true; };
const say = text => { by("said").textContent = text; };
by("trouble-close").onclick = calm;

async function trying(step) { calm(); try { return await step(); } catch (error) { if (error?.name !== "AbortError") busy(false); trouble(error); } }

function seconds(left) {
  if (left === null || left === undefined) return "";
  if (left < 1.5) return "about a second left";
  return left < 90 ? `about ${Math.round(left)} seconds left` : `about ${Math.round(left / 60)} minutes left`;
}

// ---- progress

function busy(on, text = "", value = null) {
  by("progress-box").hidden = !on;
  by("looking").hidden = !on;
  by("looking-told").textContent = text;
  by("stop").hidden = !on || !state.running;
  by("go").disabled = on;
  by("compare-go").disabled = on;
  if (!on) return;
  by("progress-told").textContent = text;
  if (value === null) by("progress").removeAttribute("value"); else by("progress").value = value;
}

function told(what) {
  return said => {
    const { done, of, rate, left } = said.progress || {};
    if (said.before > 0) busy(true, `Waiting: ${said.before} before you. ${cap(seconds(said.left))}`);
    else if (of) busy(true, `${what}: frame ${done} of ${of}, ${rate} frames per second, ${seconds(left ?? said.left)}`, done / of);
    else { const total = said.left === null ? 0 : said.elapsed + said.left; busy(true, `${what}. ${cap(seconds(said.left))}`, total ? Math.min(.97, said.elapsed / total) : null); }
  };
}
const cap = text => text.charAt(0).toUpperCase() + text.slice(1);

function started() {
  state.running = new AbortController();
  by("stop").hidden = false;
  requestAnimationFrame(() => by("progress-box").scrollIntoView({ block: "nearest" }));
  return state.running.signal;
}
// With a signal: unless another run began after this one was cancelled.
function finished(signal = null) { if (signal && state.running?.signal !== signal) return; state.running = null; busy(false); }
by("stop").onclick = () => { state.running?.abort(); finished(); say("Cancelled."); };

// ---- the photo

async function takePhoto(job, name) {
  const turn = ++state.asked;
  busy(true, "Looking at the photo");
  const { job: number, thing } = await job;
  const answer = await wait(number, said => {
    if (turn !== state.asked) return;
    if (said.progress?.shown && state.photo?.thing !== thing) showPhoto(thing, name, said.progress.shown);
    told("Looking for the person")(said);
  });
  if (turn !== state.asked) return;
  const found = answer.result;
  if (state.photo?.thing !== thing) showPhoto(thing, name, found);
  state.photo.people = found.people;
  state.photo.chosen = 0;
  setSource(found.pose);
  people();
  busy(false);
  say("The person was found. Drag the joints, or choose a pose.");
}

function showPhoto(thing, name, found) {
  state.photo = { thing, name, size: found.size, people: [], chosen: 0 };
  state.source = state.target = null;
  editor.begin(null);
  editor.people([]);
  by("welcome").hidden = true;
  document.body.classList.remove("empty");
  by("photo").src = by("photo-thumb").src = at(thing, found.view);
  by("photo-name").textContent = name;
  by("photo-told").textContent = `${found.size[1]} × ${found.size[0]} pixels`;
  for (const id of ["step-photo", "step-make"]) by(id).hidden = false;
  by("people").hidden = true;
  mode(state.mode);
  forget();
  shape();
}

function setSource(pose) {
  state.source = clone(pose);
  state.target = clone(pose);
  for (const at of Object.values(state.target.joints)) if (at) at.length = Math.min(at.length, 3);
  edit("target", true);
  changed();
}

function people() {
  const { people, chosen } = state.photo;
  by("people").hidden = people.length < 2;
  if (people.length < 2) return;
  const choose = k => trying(async () => {
    const { job } = await send(`/photos/${state.photo.thing}/person`, { box: people[k] });
    busy(true, "Looking at this person");
    const { result: found } = await wait(job);
    state.photo.chosen = k;
    setSource(found.pose);
    busy(false); people_();
  });
  const people_ = () => {
    by("people-list").replaceChildren(...people.map((_, k) => {
      const button = document.createElement("button");
      button.textContent = `Person ${k + 1}`;
      button.setAttribute("aria-pressed", k === state.photo.chosen);
      button.onclick = () => choose(k);
      return button;
    }));
    editor.people(people, state.photo.chosen, choose);
  };
  people_();
}

// The frame is as large as its well allows, in the photo's shape; around it is room for joints that leave the photo.
function shape() {
  for (const [frame, size] of [["edit-frame", state.photo?.size], ["result-frame", result.result?.size], ["origin", result.result?.size], ["layer-frame", result.result?.size]]) {
    const element = by(frame), well = element.parentElement;
    if (!size || !well.clientWidth) continue;
    const style = getComputedStyle(well), w = well.clientWidth - 2 * parseFloat(style.paddingLeft);
    const phone = matchMedia("(max-width: 900px)").matches, h = phone ? innerHeight * .68 : well.clientHeight - 2 * parseFloat(style.paddingTop);
    const [left, top, right, bottom] = frame === "edit-frame" && editor.pose ? editor.reach() : [0, 0, size[1], size[0]];
    const scale = Math.min(w / (right - left), h / (bottom - top));
    element.style.width = size[1] * scale + "px"; element.style.height = size[0] * scale + "px";
    element.style.margin = [-top, right - size[1], bottom - size[0], -left].map(room => room * scale + "px").join(" ");
  }
}
new ResizeObserver(shape).observe(by("stage"));
addEventListener("resize", shape);

// ---- the pose

function edit(which, fresh = false) {
  if (!state.source) return;
  state.edits = which;
  by("edit-target").setAttribute("aria-pressed", which === "target");
  by("edit-source").setAttribute("aria-pressed", which === "source");
  editor.begin(which === "target" ? state.target : state.source, which === "target" && !fresh ? state.source : null);
  missing();
  history();
}
by("edit-target").onclick = () => edit("target");
by("edit-source").onclick = () => edit("source");

function changed() {
  if (!editor.pose) return;
  state[state.edits] = editor.pose;
  if (state.edits === "target" && !editor.ghost && moved()) { editor.ghost = state.source; if (!editor.drag) editor.build(); }
  missing(); history();
  if (!editor.drag) shape();
}
const moved = () => JSON.stringify(state.source.joints) !== JSON.stringify(state.target.joints);
const history = () => { by("undo").disabled = !editor.past.length; by("redo").disabled = !editor.future.length; };

function missing() {
  const names = editor.missing();
  by("missing").hidden = !names.length;
  if (names.join() === by("missing-list").dataset.names) return;
  by("missing-list").dataset.names = names.join();
  by("missing-list").replaceChildren(...names.map(name => {
    const button = document.createElement("button");
    button.textContent = "+ " + name.replaceAll("_", " ");
    button.setAttribute("aria-label", "Restore " + name.replaceAll("_", " "));
    button.onclick = () => editor.restore(name);
    return button;
  }));
}

by("undo").onclick = () => editor.undo();
by("redo").onclick = () => editor.redo();
by("mirror").onclick = () => editor.pose && editor.replace(mirrored(editor.pose));
by("remove").onclick = () => editor.remove();
by("reset").onclick = () => { if (state.source && state.edits === "target") editor.replace(clone(state.source)); };
for (const name of ["whole", "follow"]) by(name).onclick = () => {
  editor[name] = !editor[name];
  by(name).setAttribute("aria-pressed", editor[name]);
  editor.build();
  if (name === "whole" && editor.whole) editor.parts.whole?.rect.focus({ preventScroll: true });
};
addEventListener("keydown", event => {
  if (!(event.ctrlKey || event.metaKey) || event.target.matches("textarea, input[type=text]")) return;
  if (event.key.toLowerCase() === "z") { event.preventDefault(); event.shiftKey ? editor.redo() : editor.undo(); }
  else if (event.key.toLowerCase() === "y") { event.preventDefault(); editor.redo(); }
});

async function fitted(body) {
  if (!state.source) return;
  edit("target");
  busy(true, "Fitting the pose to the person");
  const { job } = await send(`/photos/${state.photo.thing}/fit`, { source: plain(state.source), ...body });
  const { result: found } = await wait(job);
  busy(false);
  open("edit");
  editor.ghost = state.source;
  editor.replace(found.pose);
  if (found.notes.length) say(found.notes.join(" "));
}
const plain = pose => ({ skeleton: pose.skeleton, size: pose.size, joints: pose.joints });

function presets({ size, limbs, poses }) {
  by("presets").replaceChildren(...Object.entries(poses).map(([name, joints]) => {
    const button = document.createElement("button");
    button.title = name.replaceAll("-", " ");
    button.setAttribute("aria-label", name.replaceAll("-", " "));
    button.dataset.preset = name;
    button.append(thumbnail(joints, limbs, size));
    button.onclick = () => trying(async () => {
      await fitted({ preset: name });
      for (const other of by("presets").children) other.setAttribute("aria-pressed", other === button);
    });
    return button;
  }));
}

async function poseOf(picture) {
  busy(true, "Looking at the other photo");
  const { thing } = await upload("/others", picture);
  await fitted({ other: thing });
}
chosen("other-file", file => poseOf(file));
chosen("moment-file", async file => { const frame = await chooseMoment(file); if (frame) await poseOf(frame); });
chosen("pose-file", async file => {
  if (file.size > 400_000) throw new Trouble("This file is too large for a pose.");
  let content;
  try { content = JSON.parse(await file.text()); } catch { throw new Trouble("This file is not JSON. Choose a pose file: our own form, OpenPose's, COCO's and others."); }
  await fitted({ file: content });
});
by("export").onclick = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(plain(editor.pose), null, 1)], { type: "application/json" }));
  link.download = "pose.json"; link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

function chosen(id, take) {
  by(id).addEventListener("change", () => {
    const file = by(id).files[0];
    by(id).value = "";
    if (file) trying(() => take(file));
  });
}

// ---- making

// Only the default model has a choice of quality; the usual one is not named, and pictures that are compared have it.
const quality = () => by("quality-field").hidden || by("quality").value === "balanced" ? null : by("quality").value;
const request = (model, quality) => ({ source: plain(state.source), pose: plain(state.target), model, quality, background: by("background").value, canvas: by("canvas").value, other_side: by("other-side").value });

async function made(model, quality, what, signal, shown = null) {
  const { job, thing } = await send(`/photos/${state.photo.thing}/generate`, request(model, quality));
  let early = false;
  const answer = await wait(job, said => {
    if (said.progress?.shown && shown && !early) { early = true; shown(thing, said.progress.shown); }
    if (early) busy(true, "Writing the files to save", 1); else told(what)(said);
  }, signal);
  if (shown && !early) shown(thing, answer.result);
  return { thing, ...answer };
}

async function repose() {
  if (!state.source) throw new Trouble("Choose a photo first.");
  const photo = state.photo, signal = started();
  busy(true, "Starting", 0);
  try {
    const { thing, command } = await made(by("model").value, quality(), "Generating", signal, (thing, found) => {
      if (photo !== state.photo) return;
      result.show(thing, found, photo);
      for (const name of ["result", "flow", "provenance"]) by("tab-" + name).disabled = false;
      by("tab-visibility").disabled = !found.visibility;
      tell("picture", { shares: true, text: [...found.notes, `Generated in ${found.seconds} seconds.`].join(" ") });
      by("step-result").dataset.made = ++state.results;
      open("result");
      reveal();
      say("The picture is ready.");
    });
    if (photo === state.photo) tell("picture", { ...results.picture, links: downloads(thing, photo), command });
    await renew();
  } finally { finished(signal); }
}

// The result's numbers beside the picture; on a phone the picture itself.
function reveal() {
  const phone = matchMedia("(max-width: 900px)").matches;
  by(phone ? "stage" : "step-result").scrollIntoView({ block: phone ? "start" : "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

// What was made last in each mode, as the panel tells it.
const results = { picture: null, clip: null };
function tell(mode, found) { results[mode] = { shares: false, links: [], command: "", ...found }; told_(); }
function told_() {
  const found = results[state.mode];
  by("step-result").hidden = !found;
  if (!found) return;
  by("shares-box").hidden = by("noted").hidden = !found.shares;
  by("result-told").textContent = found.text;
  by("downloads").replaceChildren(...found.links);
  by("command").value = found.command;
}

const link = (text, href, first = "") => Object.assign(document.createElement("a"), { className: "button " + first, href, textContent: text, download: "" });
const downloads = (thing, photo) => [
  link("Save the picture", at(thing, "reposed.png"), "first"), link("New pose", at(thing, "pose.json")), link("Found pose", at(thing, "source.json")),
  link("Provenance map", at(thing, "reposed-provenance.png")), link("Provenance data", at(thing, "reposed-provenance.npz")),
  ...(photo.sample ? [link("The photo", at(photo.thing, "photo"))] : [])];
by("copy").onclick = async () => {
  by("command").select();
  try { await navigator.clipboard.writeText(by("command").value); } catch { document.execCommand("copy"); }
  say("Copied.");
};

async function compare() {
  const models = [...by("compare-list").querySelectorAll("input:checked")].map(box => box.value);
  if (!state.source) throw new Trouble("Choose a photo first.");
  if (!models.length || models.length > 4) throw new Trouble("Choose one to four models to compare.");
  const signal = started(), photo = state.photo, grid = by("compare-grid");
  const figure = (src, title, text) => {
    const outer = document.createElement("figure"), image = new Image(), under = document.createElement("figcaption"), name = document.createElement("b");
    image.src = src; image.alt = title; name.textContent = title; under.append(name, text); outer.append(image, under);
    return outer;
  };
  try {
    grid.replaceChildren(figure(at(photo.thing, "view.jpg"), "Your photo", "before"));
    by("tab-compare").hidden = by("tab-compare").disabled = false;
    open("compare");
    for (const [k, model] of models.entries())
      await made(model, null, `Generating ${k + 1} of ${models.length}, ${model}`, signal, (thing, found) =>
        grid.append(figure(at(thing, found.view), model, `${found.seconds} s · ${(100 * found.shares.invented).toFixed(1)} % invented`)));
    say("All models are done.");
  } finally { finished(signal); }
}

by("go").onclick = () => trying(() => state.mode === "clip" ? film() : repose());
by("compare-go").onclick = () => trying(compare);

function models(know) {
  by("model").replaceChildren(...Object.keys(know.models).map(name => new Option(name, name)));
  const show = () => {
    const model = know.models[by("model").value];
    by("model-told").textContent = `${model.about} ${model.megabytes} MB, ${(model.parameters / 1e6).toFixed(1)} million parameters, pictures of ${model.size[1]} × ${model.size[0]}. ` +
      `Licence: ${model.licence}. Trained on: ${model.trained_on}.`;
    by("quality-field").hidden = by("model").value !== know.qualities_of;
  };
  by("model").onchange = show;
  show();
  by("compare-list").replaceChildren(...Object.keys(know.models).map((name, k) => {
    const label = document.createElement("label"), box = document.createElement("input");
    Object.assign(box, { type: "checkbox", value: name, checked: k < 4 });
    label.className = "check"; label.append(box, name);
    return label;
  }));
}

function estimate() {
  const know = state.know, usual = know.expected?.generate;
  const where = know.device ? `Works on the ${know.device}.` : "The networks are being loaded.";
  const { frame, generate } = know.expected || {}, frames = state.clip?.frames;
  const about_ = seconds => seconds < 90 ? `${Math.max(1, Math.round(seconds))} seconds` : `${Math.round(seconds / 60)} minutes`;
  let long = usual ? ` A picture takes about ${about_(usual)}.` : "";
  if (state.mode === "clip") long = !frames ? "" : frame ? ` This clip takes about ${about_(frames * frame)}.` : generate ? ` This clip takes at most about ${about_(frames * generate)}.` : "";
  by("estimate").textContent = where + long;
}

// How long things take is known better after each of them.
async function renew() { Object.assign(state.know, await about(), { joints: state.know.joints }); estimate(); }

// ---- the clip

async function takeClip(file) {
  notTooLarge(file, "clip");
  const signal = started();
  try {
    by("step-make").hidden = false;
    by("clip-told").textContent = "";
    by("film-result").hidden = true;
    by("driving").src = URL.createObjectURL(file);
    track.track = null;
    mode("clip");
    busy(true, "Storing the clip");
    const { job, thing } = await upload("/clips", file, file.name);
    const { result: found } = await wait(job, told("Looking for joints"), signal);
    found.names = Object.fromEntries(state.know.joints.map((name, k) => [name, k]));
    state.clip = { thing, ...found };
    track.show(found);
    await renew();
    by("clip-told").textContent = [`${found.frames} frames, ${Math.round(found.fps * 100) / 100} per second; somebody is seen in ${found.seen}.`, ...found.notes].join(" ");
    estimate();
  } finally { finished(signal); }
}
chosen("clip-file", takeClip);

async function film() {
  if (!state.source) throw new Trouble("Choose a photo first.");
  if (!state.clip) throw new Trouble("Choose a clip first.");
  const signal = started(), photo = state.photo;
  busy(true, "Starting", 0);
  try {
    const fps = by("fps").value ? Number(by("fps").value) : null;
    const { job, thing } = await send(`/photos/${photo.thing}/animate`, { source: plain(state.source), clip: state.clip.thing, fps, model: by("model").value, quality: quality() });
    const { result: found, command } = await wait(job, told("Generating"), signal);
    if (photo !== state.photo) return;
    by("film").src = at(thing, "reposed.mp4", true);
    by("film-result").hidden = false;
    const missing = found.missing ? [`In ${found.missing} frames nobody was found; the pose before was kept.`] : [];
    tell("clip", {
      text: [`${found.frames} frames in ${found.seconds} seconds.`, ...missing, ...found.notes].join(" "), command,
      links: [link("Save the clip", at(thing, "reposed.mp4"), "first"), link("Joints of the clip", at(state.clip.thing, "track.json")), link("Found pose", at(thing, "source.json"))] });
    by("step-result").dataset.made = ++state.results;
    by("film").play().catch(() => {});
    await renew();
    say("The clip is ready.");
  } finally { finished(signal); }
}

// ---- views and modes

const TABS = ["edit", "result", "flow", "visibility", "provenance", "compare"];
function open(name) {
  for (const tab of TABS) {
    by("tab-" + tab).setAttribute("aria-selected", tab === name);
    by("tab-" + tab).tabIndex = tab === name ? 0 : -1;
  }
  const layer = name === "flow" || name === "visibility";
  for (const view of ["edit", "result", "provenance", "compare"]) by("view-" + view).hidden = view !== name;
  by("view-layer").hidden = !layer;
  if (layer) { result.layer(name); by("view-layer").setAttribute("aria-labelledby", "tab-" + name); }
  if (name === "provenance") trying(() => result.load());
  shape();
  editor.draw();
}
for (const name of TABS) by("tab-" + name).onclick = () => open(name);
by("tabs").addEventListener("keydown", event => {
  const open_ = TABS.filter(name => !by("tab-" + name).disabled && !by("tab-" + name).hidden), now = open_.findIndex(name => by("tab-" + name) === document.activeElement);
  const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: open_.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  const name = open_[(next + open_.length) % open_.length];
  open(name); by("tab-" + name).focus();
});

function forget() {
  result.result = null;
  for (const name of ["result", "flow", "visibility", "provenance"]) by("tab-" + name).disabled = true;
  by("tab-compare").hidden = by("film-result").hidden = true;
  results.picture = results.clip = null;
  told_();
  open("edit");
}

function mode(name) {
  state.mode = name;
  for (const other of ["picture", "clip"]) by("mode-" + other).setAttribute("aria-pressed", other === name);
  const clip = name === "clip", photo = Boolean(state.photo);
  by("viewer").hidden = !photo || (clip && Boolean(by("driving").src));
  by("clip-viewer").hidden = !clip || !by("driving").src || !photo;
  by("step-pose").hidden = clip || !photo;
  by("step-clip").hidden = !clip || !photo;
  by("options").hidden = clip;
  by("clip-later").hidden = !clip;
  told_();
  by("go").textContent = clip ? "Generate the clip" : "Repose";
  if (state.know) estimate();
  shape();
}
by("mode-picture").onclick = () => mode("picture");
by("mode-clip").onclick = () => {
  mode("clip");
  if (!state.photo || by("driving").src) return;
  open("edit");
  by("step-clip").scrollIntoView({ block: "nearest" });
};

const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
let kept = null;
try { kept = localStorage.getItem("reposer-theme"); } catch {}
const themed = () => { root.dataset.theme = kept || (system.matches ? "dark" : "light"); };
system.addEventListener("change", themed);
themed();
by("theme").onclick = () => {
  kept = root.dataset.theme === "dark" ? "light" : "dark";
  themed();
  try { localStorage.setItem("reposer-theme", kept); } catch {}
};

// ---- files that are dropped, anywhere

function notTooLarge(file, kind) {
  const most = state.know?.most[kind];
  if (most && file.size > most) throw new Trouble(`${file.name} has ${Math.round(file.size / 1e6)} MB, and up to ${most / 1e6} are taken. Choose a smaller one.`);
  return file;
}
const ofFile = file => takePhoto(upload("/photos", notTooLarge(file, "photo"), file.name), file.name);
const drop = file => trying(async () => file.type.startsWith("video/") && state.photo ? takeClip(file) : ofFile(file));
chosen("photo-file", async file => ofFile(file));
by("change").onclick = () => by("photo-file").click();
addEventListener("dragover", event => { event.preventDefault(); document.body.classList.add("dragging"); });
addEventListener("dragleave", event => { if (!event.relatedTarget) document.body.classList.remove("dragging"); });
addEventListener("drop", event => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const file = event.dataTransfer.files[0];
  if (file) drop(file);
});
addEventListener("paste", event => { const file = event.clipboardData?.files[0]; if (file) drop(file); });

// ---- beginning and leaving

addEventListener("pagehide", leave);
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });

async function begin() {
  const know = state.know = await about();
  know.joints = know.presets.joints;
  by("private").lastElementChild.textContent = know.local ? "Nothing leaves this computer" : "Nothing leaves the computer that runs this page";
  by("samples").replaceChildren(...Object.entries(know.samples).map(([name, text]) => {
    const button = document.createElement("button"), image = new Image();
    image.src = "/samples/" + name; image.alt = text;
    button.append(image);
    button.setAttribute("aria-label", text);
    button.onclick = () => trying(async () => { await takePhoto(send("/samples/" + name, {}), name); state.photo.sample = true; });
    return button;
  }));
  presets(know.presets);
  models(know);
  estimate();
  document.documentElement.dataset.ready = "yes";
  while (!state.know.ready) { await new Promise(done => setTimeout(done, 1000)); await renew(); }
}
trying(begin);
