// The clip: a driving clip with the joints that were found in it, and the film that it makes of the photo's person.
import { make, side } from "./editor.js";

const by = id => document.getElementById(id);

export class Track {
  constructor() {
    this.track = null;
    const film = by("driving"), draw = () => { this.draw(film.currentTime); if (!film.paused && !film.ended) requestAnimationFrame(draw); };
    for (const event of ["play", "seeked", "timeupdate", "loadeddata"]) film.addEventListener(event, draw);
  }

  show(found) { this.track = found; by("driving-track").setAttribute("viewBox", `0 0 ${found.size[1]} ${found.size[0]}`); this.draw(0); }

  draw(seconds) {
    const svg = by("driving-track");
    svg.replaceChildren();
    if (!this.track) return;
    const { track, fps, limbs, size } = this.track, frame = track[Math.min(track.length - 1, Math.round(seconds * fps))];
    if (!frame) return;
    const unit = Math.max(...size) / 500;
    for (const [a, b] of limbs) {
      const names = this.track.names, p = frame[names[a]], q = frame[names[b]];
      if (p && q) make("line", { x1: p[0], y1: p[1], x2: q[0], y2: q[1], "stroke-width": 3.5 * unit, class: "of-" + (side(a) === "middle" ? side(b) : side(a)) }, svg);
    }
  }
}

// A moment of a clip as a picture: the browser decodes the clip, and only the frame is sent to the server on this machine.
export function chooseMoment(file) {
  return new Promise((done, refuse) => {
    const dialog = by("moment"), film = by("moment-film"), time = by("moment-time"), url = URL.createObjectURL(file);
    const told = () => { by("moment-told").textContent = film.duration ? `${film.currentTime.toFixed(2)} of ${film.duration.toFixed(2)} seconds` : ""; };
    const end = value => { dialog.close(); film.removeAttribute("src"); film.load(); URL.revokeObjectURL(url); done(value); };
    film.onloadedmetadata = () => { time.value = 0; film.currentTime = 0; told(); };
    film.onseeked = told;
    film.onerror = () => { if (!film.getAttribute("src")) return; end(null); refuse(new Error("Your browser cannot play this clip. Take an MP4 (H.264) or WebM, or a picture.")); };
    time.oninput = () => { film.currentTime = time.value / 1000 * film.duration; };
    by("moment-close").onclick = () => end(null);
    dialog.oncancel = event => { event.preventDefault(); end(null); };
    by("moment-take").onclick = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: film.videoWidth, height: film.videoHeight });
      canvas.getContext("2d").drawImage(film, 0, 0);
      canvas.toBlob(end, "image/jpeg", .95);
    };
    film.src = url;
    dialog.showModal();
  });
}
