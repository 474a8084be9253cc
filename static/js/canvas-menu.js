// What goes into a slot: a menu at the slot; or, the other way round, a step taken from the palette looks for its slot.

import { act, announce } from "./canvas-post.js";
import { copied, paste } from "./canvas-clip.js";
import { filter } from "./canvas-filter.js";
import { focusStop, stops } from "./canvas-move.js";

const menu = document.getElementById("insert-menu");
const studio = document.querySelector(".studio");
let slot = null; // the slot whose menu is open
let held = null; // {kind} taken from the palette, {move: {node, below}} from the board, or {join: {source, port}}

export const placing = () => Boolean(held?.kind || held?.move);
export const picking = () => Boolean(held?.join);

// The menu -----------------------------------------------------------------------------------------------------------
export function openMenu(at) {
  slot = at;
  const box = at.getBoundingClientRect();
  at.setAttribute("aria-expanded", "true");
  const search = menu.querySelector("input[type=search]");
  search.value = "";
  filter(search);
  document.getElementById("join-entries").hidden = false;
  menu.querySelector("[data-cut]").hidden = !at.dataset.target;
  menu.querySelector("[data-paste]").hidden = !copied();
  menu.showPopover();
  const left = Math.min(Math.max(8, box.left + box.width / 2 - menu.offsetWidth / 2), innerWidth - menu.offsetWidth - 8);
  const below = box.bottom + 8 + menu.offsetHeight < innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - menu.offsetHeight - 8)}px`;
  search.focus();
}

export function closeMenu() {
  if (!menu?.matches(":popover-open")) return false;
  menu.hidePopover();
  return true;
}

function shut() {
  slot?.removeAttribute("aria-expanded");
  if (slot?.isConnected && (menu.contains(document.activeElement) || document.activeElement === document.body)) focusStop(slot);
}

function choose(entry) {
  const { source, port } = slot.dataset;
  menu.hidePopover();
  if (entry.dataset.insert) act({ do: "insert", kind: entry.dataset.insert, source, port });
  else if (entry.matches("[data-paste]")) paste(slot);
  else if (entry.matches("[data-cut]")) act({ do: "connect", source, port, target: "" });
  else hold({ join: { source, port } }, "Choose the step this way leads to.");
}

function walk(event) {
  const scope = event.target.closest("#insert-menu, #palette");
  if (!scope || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
  const entries = [...scope.querySelectorAll(".palette-item")].filter((one) => one.checkVisibility());
  const search = scope.querySelector("input[type=search]");
  const here = entries.indexOf(document.activeElement);
  if (event.key === "Enter") {
    if (event.target !== search || !entries.length) return;
    event.preventDefault();
    entries[0].click();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const next = here + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0) search.focus();
  else entries[Math.min(next, entries.length - 1)]?.focus();
}

// Taken in hand ----------------------------------------------------------------------------------------------------------
export function hold(what, words) {
  stopPlacing();
  held = what;
  studio.classList.add(what.join ? "is-picking" : "is-placing");
  const note = document.getElementById("placing");
  note.replaceChildren(words, " ", Object.assign(document.createElement("kbd"), { textContent: "Esc" }), " cancels");
  note.hidden = false;
  announce(`${words} Arrow keys move, Enter places, Escape cancels.`);
  const wanted = !what.join ? (one) => one.matches(".slot.is-open") : (one) => one.matches(".node-card");
  focusStop(stops().find(wanted) ?? stops().find((one) => one.matches(".slot")) ?? stops()[0]);
}

export function stopPlacing(back = false) {
  if (!held) return;
  const { kind, move } = held;
  held = null;
  studio.classList.remove("is-placing", "is-picking");
  document.getElementById("placing").hidden = true;
  for (const one of document.querySelectorAll(".palette-item[aria-pressed]")) one.removeAttribute("aria-pressed");
  if (back && kind) document.querySelector(`.palette-item[data-kind="${CSS.escape(kind)}"]`)?.focus();
  if (back && move) focusStop(document.getElementById(`card-${move.node}`));
}

export function place(target) {
  const what = held;
  stopPlacing();
  if (what.kind) act({ do: "insert", kind: what.kind, source: target.dataset.source, port: target.dataset.port });
  else if (what.move) act({ do: "move", ...what.move, source: target.dataset.source, port: target.dataset.port });
  else act({ do: "connect", ...what.join, target: target.dataset.node });
}

export function listenForMenus() {
  menu.addEventListener("toggle", (event) => { if (event.newState === "closed") shut(); });
  menu.addEventListener("click", (event) => {
    const entry = event.target.closest("[data-insert], [data-join], [data-cut], [data-paste]");
    if (entry) choose(entry);
  });
  document.addEventListener("keydown", walk, true);
  document.addEventListener("input", (event) => { if (event.target.matches?.("[data-filter]")) filter(event.target); });
  document.getElementById("palette").addEventListener("click", (event) => {
    const item = event.target.closest("[data-kind]");
    if (!item) return;
    if (item.getAttribute("aria-pressed") === "true") { stopPlacing(true); return; }
    hold({ kind: item.dataset.kind }, `Choose the + where “${item.dataset.label}” goes.`);
    item.setAttribute("aria-pressed", "true");
  });
}
