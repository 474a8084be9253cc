// One action is one POST: the answer is the new canvas in parts. Actions go one after another, each with the revision it saw.
// Nothing that was typed is lost: what stands in the panel is saved before another action, and stays when an answer finds more.

export const studio = document.querySelector(".studio");
export const board = () => document.getElementById("board");

const send = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
export const announce = (text) => send("announce", { text });
export const toast = (text, level = "error") => send("toast", { level, text });

let last = Promise.resolve();
let refused = null; // what somebody else's change was in the way of

// What canvas-panel.js says of the panel: {node(), unsaved(), stamp(), values(), open(key)}.
let panel = { node: () => "", unsaved: () => false, stamp: () => "", values: () => null, open: () => {} };
export const listenToPanel = (one) => { panel = one; };
const PANELS_OWN = new Set(["change", "rename", "label", "undo", "redo"]); // actions before which the panel is not saved

function sign(state, words) {
  const place = document.getElementById("saved");
  if (!place) return;
  place.dataset.state = state;
  place.querySelector("span").textContent = words;
  const use = place.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, state === "saving" ? "#loader" : state === "saved" ? "#check" : "#triangle-alert"));
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}")["X-CSRFToken"] ?? "";
}

function body(values) {
  const data = values instanceof FormData ? values : new FormData();
  if (!(values instanceof FormData)) for (const [name, value] of Object.entries(values)) data.set(name, value ?? "");
  data.set("revision", board().dataset.revision);
  data.set("open", document.getElementById("panel-form")?.dataset.node ?? "");
  return new URLSearchParams(data);
}

function events(answer) {
  const header = answer.headers.get("HX-Trigger");
  for (const [name, detail] of Object.entries(header ? JSON.parse(header) : {})) send(name, detail);
}

const swap = (text) => window.htmx.swap({ text, target: document.getElementById("banner"), sourceElement: document.body, swap: "none" });

export async function take(answer) {
  const text = await answer.text();
  const focused = document.activeElement;
  if (text) await swap(text);
  events(answer);
  if (focused !== document.body && document.activeElement === document.body) send("canvas:lost", { focused });
}

async function post(values) {
  const name = typeof values === "function" ? "change" : values instanceof FormData ? values.get("do") : values.do;
  const own = PANELS_OWN.has(name) || (name === "remove" && values.node === panel.node());
  if (panel.unsaved() && !own && !(await request(panel.values()))) return false;
  const sent = typeof values === "function" ? values() : values; // the panel's own: as it is when its turn has come
  return sent ? request(sent, name === "undo" || name === "redo") : true;
}

async function request(values, keep = false) {
  sign("saving", "Saving…");
  const seen = panel.stamp();
  let answer;
  try {
    answer = await fetch(studio.dataset.flow, { method: "POST", headers: { "X-CSRFToken": token(), "HX-Request": "true" }, body: body(values) });
  } catch {
    sign("lost", "Not saved");
    toast("No answer from the server: nothing was changed. Check the connection and try again.");
    return false;
  }
  if (answer.redirected) { location.reload(); return false; }
  const home = answer.headers.get("HX-Redirect");
  if (home) { location.assign(home); return true; }
  const html = answer.headers.get("content-type")?.includes("html");
  if (answer.status < 500 && html) await put(answer, panel.stamp() !== seen || (keep && panel.unsaved()));
  if (answer.ok) { sign("saved", "Saved"); return true; }
  if (answer.status === 409 && html) refused = values;
  sign("lost", "Not saved");
  if (answer.status === 403 && !html) toast("You may not change this flow.");
  else if (answer.status >= 500) toast("The server could not do that just now. Nothing was changed; please try again.");
  return false;
}

// `typing`: the panel holds more than was sent. Its step may be gone by now; else it stays as it is, and is saved before another opens.
async function put(answer, typing) {
  if (!typing) return take(answer);
  const text = await answer.text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const gone = page.getElementById("board") && !page.getElementById(`card-${panel.node()}`);
  if (!gone) page.querySelector('hx-partial[hx-target="#panel"]')?.remove();
  await swap(page.body.innerHTML);
  const { canvas, announce: said } = JSON.parse(answer.headers.get("HX-Trigger") ?? "{}");
  if (said) send("announce", said);
  send("canvas", { node: panel.node() });
  if (!gone && canvas?.node && canvas.node !== panel.node() && (await request(panel.values()))) panel.open(canvas.node);
}

// Save what stands in the panel; false when that cannot be.
export const settle = async () => !panel.unsaved() || act(panel.values);

export function act(values) {
  last = last.then(() => post(values), () => post(values));
  return last;
}

// Do once more what was refused, on top of what somebody else did: the panel's own as it is now.
export const again = () => refused && act(refused instanceof FormData && refused.get("do") === "change" ? panel.values : refused);

export async function get(url) {
  try {
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    if (answer.redirected) { location.reload(); return null; }
    if (answer.ok) return answer;
    toast(answer.status === 404 ? "It is not there any more. Reload the page." : "The server could not answer just now; please try again.");
  } catch {
    toast("No answer from the server. Check the connection and try again.");
  }
  return null;
}

export function reread() {
  location.reload();
}
