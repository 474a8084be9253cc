// Live numbers. Every element with data-live="<url>" is fetched again and morphed in place when a topic of
// data-live-topics (space separated; none means any) is rung over /ws/live/, at most once a second each.
// While the socket is not open, each is polled every two seconds as long as the page can be seen. A server that says
// hears: false has lost the doorbell between its processes and has everything fetched again every two seconds.
//
// The answer is the element itself (outerMorph, the default: same id, same data-live) or, with data-live-swap="inner",
// its content. A morph keeps focus, selection and open popovers. Numbers marked data-number wash when they change.

const PACE = 1000;
const POLL = 2000;
const FIRST_GAP = 500;
const LAST_GAP = 30000;
const WORDS = { live: "Live", polling: "Checking every 2 s", offline: "Offline: retrying", connecting: "Connecting" };

const visits = new WeakMap(); // element -> {last, timer, busy, again}
let socket = null;
let gap = FIRST_GAP;
let reachable = true;
let hears = null; // whether the server hears its workers; null until it has said so

const open = () => socket?.readyState === WebSocket.OPEN;
const elements = () => document.querySelectorAll("[data-live]");

function show() {
  const state = !navigator.onLine || !reachable ? "offline" : !open() || hears === false ? "polling" : hears ? "live" : "connecting";
  for (const place of document.querySelectorAll(".live-state")) {
    place.dataset.state = state;
    const words = place.querySelector("[data-live-words]");
    if (words && words.textContent !== WORDS[state]) words.textContent = WORDS[state];
  }
  document.documentElement.dataset.liveState = state;
}

// Fetch and put in ----------------------------------------------------------------------------------------------------
function key(number, index) {
  return number.id || number.dataset.number || String(index);
}

function numbersOf(element) {
  const marked = element.matches("[data-number]") ? [element] : [];
  return [...marked, ...element.querySelectorAll("[data-number]")];
}

function flash(element, before) {
  numbersOf(element).forEach((number, index) => {
    const old = before.get(key(number, index));
    if (old === undefined || old === number.textContent) return;
    number.classList.remove("flash");
    void number.offsetWidth; // starts the animation anew
    number.classList.add("flash");
    number.addEventListener("animationend", () => number.classList.remove("flash"), { once: true });
  });
}

async function put(element, text) {
  const before = new Map(numbersOf(element).map((number, index) => [key(number, index), number.textContent]));
  const inner = element.dataset.liveSwap === "inner";
  await window.htmx.swap({ text, target: element, sourceElement: element, swap: inner ? "innerMorph" : "outerMorph" });
  if (element.isConnected) flash(element, before);
  document.dispatchEvent(new CustomEvent("live:after", { detail: { element } }));
}

async function visit(element) {
  const state = visits.get(element);
  state.busy = true;
  state.last = performance.now();
  try {
    const answer = await fetch(element.dataset.live, { headers: { "HX-Request": "true", "X-Live": "1", Accept: "text/html" }, cache: "no-store" });
    reachable = true;
    if (answer.ok && !answer.redirected && element.isConnected) await put(element, await answer.text());
    else if (answer.status === 410) element.removeAttribute("data-live"); // done: nothing more will change
  } catch {
    reachable = false;
  }
  state.busy = false;
  show();
  if (state.again) { state.again = false; want(element); }
}

function want(element) {
  const state = visits.get(element) ?? { last: -Infinity, timer: 0, busy: false, again: false };
  visits.set(element, state);
  if (state.busy) { state.again = true; return; }
  if (state.timer) return;
  const rest = Math.max(0, state.last + PACE - performance.now());
  state.timer = setTimeout(() => {
    state.timer = 0;
    if (element.isConnected) visit(element);
  }, rest);
}

function ring(topics) {
  const rung = new Set(topics);
  for (const element of elements()) {
    const wanted = (element.dataset.liveTopics ?? "").split(/\s+/).filter(Boolean);
    if (!wanted.length || wanted.some((topic) => rung.has(topic))) want(element);
  }
  document.dispatchEvent(new CustomEvent("live", { detail: { topics } }));
}

function everything() {
  for (const element of elements()) want(element);
}

// The socket ----------------------------------------------------------------------------------------------------------
function read(message) {
  try {
    const said = JSON.parse(message.data);
    if (said.hears !== hears) { hears = said.hears; show(); }
    if (Array.isArray(said.topics) && said.topics.length) ring(said.topics);
  } catch { /* not for us */ }
}

function connect() {
  const path = document.body.dataset.liveSocket;
  if (!path || (socket && socket.readyState < WebSocket.CLOSING)) return;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
  socket.addEventListener("message", read);
  socket.addEventListener("open", () => { gap = FIRST_GAP; reachable = true; show(); everything(); });
  socket.addEventListener("close", () => {
    hears = null;
    show();
    setTimeout(connect, gap * (0.8 + Math.random() * 0.4));
    gap = Math.min(LAST_GAP, gap * 2);
  });
}

setInterval(() => {
  if (!open() && !document.hidden) everything();
}, POLL);
document.addEventListener("visibilitychange", () => { if (!document.hidden) everything(); });
addEventListener("online", () => { show(); everything(); });
addEventListener("offline", show);
addEventListener("pagehide", () => socket?.close());
addEventListener("pageshow", (event) => { if (event.persisted && !open()) connect(); });

connect();
show();
