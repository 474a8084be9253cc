// Zoom, pan and fit: the view scrolls, the board is scaled; so focus and screen readers find everything where it is.

const view = document.getElementById("view");
const sizer = document.getElementById("sizer");
const LEAST = 0.05;
const FAR = 0.5; // from here on cards say only what they are called, in larger letters
const MOST = 1.6;
let zoom = 1;

const clamp = (value) => Math.min(MOST, Math.max(LEAST, value));

function show() {
  const board = document.getElementById("board");
  if (!board) return;
  sizer.style.setProperty("--board-width", `${board.dataset.width}px`);
  sizer.style.setProperty("--board-height", `${board.dataset.height}px`);
  sizer.style.setProperty("--zoom", zoom);
  sizer.classList.toggle("is-far", zoom < FAR);
  document.getElementById("zoom-now").textContent = `${Math.round(zoom * 100)}%`;
}

export function follow() {
  show();
}

// Change the zoom and keep the point at (x, y) of the view where it is.
function zoomTo(next, x = view.clientWidth / 2, y = view.clientHeight / 2) {
  const before = sizer.getBoundingClientRect();
  const frame = view.getBoundingClientRect();
  const at = { x: (frame.left + x - before.left) / zoom, y: (frame.top + y - before.top) / zoom };
  zoom = clamp(next);
  show();
  const after = sizer.getBoundingClientRect();
  view.scrollLeft += after.left + at.x * zoom - (frame.left + x);
  view.scrollTop += after.top + at.y * zoom - (frame.top + y);
}

export function fit() {
  const board = document.getElementById("board");
  const wide = view.clientWidth / Number(board.dataset.width);
  const tall = view.clientHeight / Number(board.dataset.height);
  zoom = clamp(Math.min(1, wide, tall));
  show();
  view.scrollTo({ left: (view.scrollWidth - view.clientWidth) / 2, top: 0 });
}

export function zoomKey(key) {
  if (key === "+" || key === "=") zoomTo(zoom * 1.2);
  else if (key === "-" || key === "−") zoomTo(zoom / 1.2);
  else if (key === "0") zoomTo(1);
  else if (key === "f" || key === "F") fit();
  else return false;
  return true;
}

export function pan(key) {
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
  view.scrollBy({ left: dx * 120, top: dy * 120 });
}

// Scroll as little as needed to see an element with some room around; `middle` puts it in the middle of the width.
export function reveal(element, middle = false) {
  const frame = view.getBoundingClientRect();
  const box = element.getBoundingClientRect();
  const room = Math.min(90, frame.height / 5);
  if (middle) view.scrollLeft += box.left + box.width / 2 - (frame.left + frame.width / 2);
  else if (box.left < frame.left + 24) view.scrollLeft += box.left - frame.left - 24;
  else if (box.right > frame.right - 24) view.scrollLeft += box.right - frame.right + 24;
  if (box.top < frame.top + room) view.scrollTop += box.top - frame.top - room;
  else if (box.bottom > frame.bottom - room) view.scrollTop += box.bottom - frame.bottom + room;
}

if (view) {
  document.addEventListener("click", (event) => {
    const how = event.target.closest("[data-zoom]")?.dataset.zoom;
    if (how === "in") zoomTo(zoom * 1.2);
    else if (how === "out") zoomTo(zoom / 1.2);
    else if (how === "fit") fit();
  });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = view.getBoundingClientRect();
    zoomTo(zoom * Math.exp(-event.deltaY * 0.0022), event.clientX - frame.left, event.clientY - frame.top);
  }, { passive: false });
  let grip = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || event.pointerType === "touch" || event.target.closest("[data-stop], a, button")) return;
    grip = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop, id: event.pointerId };
    view.setPointerCapture(event.pointerId);
    view.classList.add("is-panning");
  });
  view.addEventListener("pointermove", (event) => {
    if (grip?.id !== event.pointerId) return;
    view.scrollLeft = grip.x - event.clientX;
    view.scrollTop = grip.y - event.clientY;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    view.addEventListener(end, () => { grip = null; view.classList.remove("is-panning"); });
  }
}
