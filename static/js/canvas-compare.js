// A version beside the draft: each side zooms and pans by itself; a step chosen on one side or in the list is shown on both.

const panes = [...document.querySelectorAll(".compare-pane")].map((pane) => {
  const [view, sizer, board] = [".canvas-view", ".canvas-sizer", ".canvas-board"].map((name) => pane.querySelector(name));
  return { pane, view, sizer, wide: Number(board.dataset.width), tall: Number(board.dataset.height), zoom: 1 };
});

function zoomTo(one, wanted) {
  const middle = { x: (one.view.scrollLeft + one.view.clientWidth / 2) / one.zoom, y: (one.view.scrollTop + one.view.clientHeight / 2) / one.zoom };
  one.zoom = Math.min(1.6, Math.max(0.2, wanted));
  one.sizer.style.setProperty("--zoom", one.zoom);
  one.view.scrollTo({ left: middle.x * one.zoom - one.view.clientWidth / 2, top: middle.y * one.zoom - one.view.clientHeight / 2 });
}

const fit = (one) => zoomTo(one, Math.min(1, one.view.clientWidth / one.wide, one.view.clientHeight / one.tall));

function reveal(view, card) {
  const [frame, box] = [view.getBoundingClientRect(), card.getBoundingClientRect()];
  view.scrollBy({ left: box.left + box.width / 2 - frame.left - frame.width / 2, top: box.top + box.height / 2 - frame.top - frame.height / 2 });
}

function go(key) {
  for (const one of document.querySelectorAll("[data-go]")) {
    const chosen = one.dataset.go === key;
    one.classList.toggle("is-selected", chosen);
    if (chosen) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  for (const { pane, view } of panes) {
    const card = pane.querySelector(`.node-card[data-go="${CSS.escape(key)}"]`);
    if (card) reveal(view, card);
  }
}

function pans(one) {
  let grip = null;
  const { view } = one;
  view.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || event.pointerType === "touch" || event.target.closest("button")) return;
    grip = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
    view.setPointerCapture(event.pointerId);
    view.classList.add("is-panning");
  });
  view.addEventListener("pointermove", (event) => { if (grip) view.scrollTo({ left: grip.x - event.clientX, top: grip.y - event.clientY }); });
  for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { grip = null; view.classList.remove("is-panning"); });
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomTo(one, one.zoom * Math.exp(-event.deltaY * 0.0022));
  }, { passive: false });
}

document.addEventListener("click", (event) => {
  const how = event.target.closest("[data-zoom]");
  const one = how && panes.find(({ pane }) => pane.contains(how));
  if (one) { ({ in: () => zoomTo(one, one.zoom * 1.2), out: () => zoomTo(one, one.zoom / 1.2), fit: () => fit(one) })[how.dataset.zoom](); return; }
  const target = event.target.closest("[data-go]");
  if (target) go(target.dataset.go);
});

for (const one of panes) { pans(one); fit(one); if (one.zoom < 0.6) zoomTo(one, 0.6); }
const first = document.querySelector(".difference");
if (first) go(first.dataset.go);
