// Moving over the canvas by arrow keys: cards and slots are stops; one of them is in the tab order at a time.

import { reveal } from "./canvas-view.js";

export const stops = () => [...document.querySelectorAll("#board [data-stop]")].filter((one) => one.checkVisibility({ visibilityProperty: true }));

let current = "";

export function keepOneStop() {
  const all = stops();
  const chosen = all.find((one) => one === document.activeElement) ?? all.find((one) => one.id === current) ?? all[0];
  for (const one of all) one.tabIndex = one === chosen ? 0 : -1;
  if (chosen) current = chosen.id;
}

export function focusStop(stop) {
  if (!stop) return;
  current = stop.id;
  keepOneStop();
  stop.focus({ preventScroll: true });
  stop.tabIndex = 0;
  reveal(stop);
}

function middle(element) {
  const box = element.getBoundingClientRect();
  return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
}

// The nearest stop in a direction: along it counts once, across it counts more the further it is off.
function nearest(from, key) {
  const here = middle(from);
  const [dx, dy] = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
  let best = null;
  let least = Infinity;
  for (const one of stops()) {
    if (one === from) continue;
    const there = middle(one);
    const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const across = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (along < 4) continue;
    const cost = along + across * (dx ? 4 : 1.6);
    if (cost < least) { least = cost; best = one; }
  }
  return best;
}

export function arrow(key, from) {
  const start = from ?? document.getElementById(current);
  if (!from) { focusStop(start ?? stops()[0]); return; }
  const next = nearest(start, key);
  if (next) focusStop(next);
}

// A press must not move what is under it, or its click would land beside it.
let pressing = false;
document.addEventListener("pointerdown", () => { pressing = true; }, true);
for (const end of ["pointerup", "pointercancel", "dragend"]) document.addEventListener(end, () => { pressing = false; }, true);

document.addEventListener("focusin", (event) => {
  const stop = event.target.closest?.("#board [data-stop]");
  if (!stop || stop.id === current) return;
  current = stop.id;
  keepOneStop();
  if (!pressing) reveal(stop);
});
