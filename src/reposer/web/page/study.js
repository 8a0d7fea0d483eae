"use strict";
const CROSS_MS = 500;          // an empty place before each picture, where to look
const LARGEST = 2;             // times its size that a picture may be shown
const SMALLEST = 60;           // pixels of a picture's height; a window that is too small even for these scrolls
const at = id => document.getElementById(id);
let study, token, asked = null, shownAt = 0, open = false;

const KEY = () => "reposer-study-" + study.key;
const remembered = () => { try { return localStorage.getItem(KEY()); } catch { return null; } };
const remember = value => { try { value ? localStorage.setItem(KEY(), value) : localStorage.removeItem(KEY()); } catch {} };

function show(...ids) {
  for (const id of ["start", "question", "stage", "answers", "trouble", "end"]) at(id).hidden = !ids.includes(id);
  at("bar").hidden = !ids.includes("stage");
}

async function talk(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const reply = await fetch(path, options);
  if (reply.status === 410) { remember(null); token = null; throw new Error("This page is not known any more. Please begin again."); }
  if (!reply.ok) throw new Error((await reply.json().catch(() => ({}))).error || "The answer was " + reply.status + ".");
  return reply;
}
const ask = async (path, body) => (await talk(path, body)).json();
const signed = path => path + (path.includes("?") ? "&" : "?") + "token=" + encodeURIComponent(token);

// Whatever fails is tried again from where it failed; an answer that is given is not asked for twice.
async function trying(step) {
  try { await step(); } catch (error) {
    open = false;
    at("reason").textContent = error instanceof TypeError ? "The study cannot be reached. Is the network there?" : error.message;
    show("trouble");
    at("again").onclick = () => { at("again").onclick = null; trying(token ? step : start); };
    at("again").focus();
  }
}

async function start() {
  study = study || await ask("/study");
  token = remembered();
  const one = study.design === "real-or-generated", seconds = study.show_seconds;
  at("title").textContent = one ? "Real, or made by a computer?" : "Which picture is the best?";
  const lines = one
    ? ["You will see " + study.questions + " pictures of people, one after the other. Some are photographs; some were made by a computer.",
       "Say for each which it is. Go by your first impression; there is no time limit for the answer."]
    : ["You will see a person, and how the person should stand. Below are " + study.candidates +
       " attempts by computers to show just that person in just that way.",
       "Choose the best one each time: the same person, the same clothes, the right pose, and a natural picture. There are " +
       study.questions + " questions."];
  if (seconds > 0) lines.push("Each picture is shown for " + seconds + (seconds === 1 ? " second" : " seconds") +
                              " only. Look at the cross before it comes.");
  if (study.practice) lines.push("The first " + study.practice + " are practice and do not count.");
  at("explanation").replaceChildren(...lines.map(text => Object.assign(document.createElement("p"), { textContent: text })));
  at("begin").textContent = token ? "Go on" : "Begin";
  at("begin").onclick = () => { at("begin").onclick = null; trying(begin); };
  show("start");
  at("begin").focus();
}

async function begin() {
  if (!token) { token = (await ask("/people", {})).token; remember(token); }
  await next(await ask(signed("/question")));
}

async function picture(path) {
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  image.src = URL.createObjectURL(await (await talk(signed(path))).blob());
  await image.decode();
  URL.revokeObjectURL(image.src);
  return image;
}

async function next(question) {
  asked = question; open = false;
  if (question.done) { show("end"); return; }
  const one = study.design === "real-or-generated", total = study.questions;
  at("practice").hidden = !question.practice;
  at("progress").max = total; at("progress").value = question.number;
  at("count").textContent = (question.number + 1) + " of " + total;
  at("question").textContent = one ? "A real photograph, or generated?" : "Which shows this person in this way best?";
  const beside = await Promise.all(question.beside.map(b => picture(b.picture)));
  const candidates = await Promise.all(question.candidates.map(picture));
  lay(question, beside, candidates);
  at("stage").classList.add("gone");
  if (one) buttons();
  enable(false);
  show(...(one ? ["question", "stage", "answers"] : ["question", "stage"]));
  fit();
  await new Promise(done => setTimeout(done, CROSS_MS));
  requestAnimationFrame(() => {
    at("stage").classList.remove("gone");
    crosses(false);
    requestAnimationFrame(now => {
      shownAt = now; open = true; enable(true);
      if (study.show_seconds > 0) setTimeout(() => { if (asked === question) at("stage").classList.add("gone"); },
                                             1000 * study.show_seconds);
    });
  });
}

function lay(question, beside, candidates) {
  const group = (figures, kind) => {
    const box = document.createElement("div");
    box.className = "group " + kind;
    box.append(...figures);
    return box;
  };
  const figure = (tag, image, caption) => {
    const outer = document.createElement("figure"), frame = document.createElement(tag), below = document.createElement("figcaption");
    frame.className = "frame";
    frame.append(image);
    below.innerHTML = caption;
    outer.append(frame, below);
    return [outer, frame];
  };
  const parts = [];
  if (beside.length) parts.push(group(beside.map((image, k) => figure("div", image, question.beside[k].title)[0]), "beside"));
  parts.push(group(candidates.map((image, k) => {
    if (study.design !== "best") return figure("div", image, "")[0];
    const [outer, frame] = figure("button", image, "<kbd>" + (k + 1) + "</kbd>");
    frame.setAttribute("aria-label", "Picture " + (k + 1) + " of " + candidates.length);
    frame.onclick = () => answer(k, frame);
    return outer;
  }), "candidates"));
  at("stage").replaceChildren(...parts);
  crosses(true);
}

function crosses(wanted) {
  for (const cross of at("stage").querySelectorAll(".cross")) cross.remove();
  if (!wanted || study.design === "best") return;
  const cross = Object.assign(document.createElement("span"), { className: "cross", textContent: "+" });
  cross.style.cssText = "position:absolute;inset:0;display:grid;place-items:center";
  at("stage").querySelector(".group:last-child .frame").append(cross);
}

function buttons() {
  const button = (text, key, choice) => {
    const made = document.createElement("button");
    made.innerHTML = text + " <kbd>" + key + "</kbd>";
    made.onclick = () => answer(choice);
    return made;
  };
  at("answers").replaceChildren(button("Real", "&larr;", 0), button("Generated", "&rarr;", 1));
}

function enable(on) { for (const b of document.querySelectorAll("#answers button, button.frame")) b.disabled = !on; }

// All pictures of a question have one height: the largest, up to twice their size, with which the question fits the screen.
function fit() {
  const frames = [...at("stage").querySelectorAll(".frame")], images = frames.map(f => f.querySelector("img"));
  if (!images.length) return;
  const set = height => frames.forEach((frame, k) => {
    const scale = height / images[k].naturalHeight;
    frame.style.height = height + "px";
    frame.style.width = images[k].naturalWidth * scale + "px";
  });
  const widest = Math.max(...images.map(i => i.naturalWidth / i.naturalHeight)), main = document.querySelector("main");
  let height = LARGEST * Math.max(...images.map(i => i.naturalHeight));
  height = Math.min(height, (innerWidth - 56) / widest);
  for (set(height); height > SMALLEST && main.scrollHeight > main.clientHeight; set(height)) height = Math.max(SMALLEST, height * .96);
}
addEventListener("resize", () => { if (!at("stage").hidden) fit(); });

function answer(choice, frame) {
  if (!open) return;
  open = false;
  const milliseconds = performance.now() - shownAt, number = asked.number;
  enable(false);
  if (frame) frame.classList.add("chosen");
  let heard = null;
  trying(async () => {
    heard = heard || await ask("/answer", { token, number, choice, milliseconds });
    await next(heard);
  });
}

addEventListener("keydown", event => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || at("stage").hidden) return;
  const count = asked && !asked.done ? asked.candidates.length : 0;
  const choice = study.design === "best" ? Number(event.key) - 1 : ["ArrowLeft", "ArrowRight"].indexOf(event.key);
  if (!Number.isInteger(choice) || choice < 0 || (study.design === "best" && choice >= count)) return;
  event.preventDefault();
  answer(choice, study.design === "best" ? document.querySelectorAll("button.frame")[choice] : null);
});
at("other").onclick = () => { remember(null); token = null; trying(start); };
trying(start);
