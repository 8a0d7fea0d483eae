// Talks to the server that runs on this machine. Everything of this page lies under a name that only it knows.
let visit = null, beginning = null;

export class Trouble extends Error {}

async function talk(path, options = {}) {
  let reply;
  try { reply = await fetch(path, options); } catch { throw new Trouble("Reposer cannot be reached. Is it still running in the terminal?"); }
  if (!reply.ok) {
    const said = await reply.json().catch(() => ({}));
    if (reply.status === 410) visit = null;
    throw new Trouble(sentence(said.error || "The answer was " + reply.status + "."));
  }
  return reply;
}

const sentence = text => text.charAt(0).toUpperCase() + text.slice(1);

export const about = async () => (await talk("/api/about")).json();

async function mine() {
  if (!visit) {  // two first actions begin one visit
    beginning ??= talk("/api/visits", { method: "POST" }).then(reply => reply.json()).finally(() => { beginning = null; });
    visit = (await beginning).visit;
  }
  return "/api/visits/" + visit;
}

export const at = (thing, file, show = false) => `/api/visits/${visit}/files/${thing}/${file}${show ? "?show=1" : ""}`;

export async function send(path, body) {
  return (await talk(await mine() + path, { method: "POST", body: JSON.stringify(body) })).json();
}

export async function upload(path, blob, name = "") {
  const headers = { "X-Name": encodeURIComponent([...name].slice(-100).join("")) };
  return (await talk(await mine() + path, { method: "POST", body: blob, headers })).json();
}

export const bytes = async (thing, file) => (await talk(at(thing, file))).arrayBuffer();

// Waits for a job; `told` hears how it goes. The signal cancels it.
export async function wait(job, told = () => {}, signal = null) {
  const path = await mine() + "/jobs/" + job;
  const cancel = () => fetch(path, { method: "DELETE" }).catch(() => {});
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  for (let pause = 60; ; pause = Math.min(400, pause * 1.25)) {
    const said = await (await talk(path)).json();
    if (signal?.aborted) throw new DOMException("cancelled", "AbortError");
    if (said.state === "done") return said;
    if (said.state === "failed") throw new Trouble(sentence(said.error));
    if (said.state === "cancelled") throw new DOMException("cancelled", "AbortError");
    told(said);
    await new Promise(done => setTimeout(done, pause));
  }
}

export function leave() { if (visit) navigator.sendBeacon("/api/visits/" + visit + "/leave"); visit = null; }
