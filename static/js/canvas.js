// The canvas of a flow. Its parts: canvas-post.js (one action = one POST), canvas-view.js (zoom, pan), canvas-move.js
// (arrow keys), canvas-drag.js (drag and drop), canvas-menu.js (what goes into a slot), canvas-card.js (what can be done with a
// step), canvas-clip.js (copy and paste), canvas-find.js, canvas-panel.js, canvas-dialog.js.

import { cardKey, doWith, listenForCards, openCardMenu } from "./canvas-card.js";
import { copied, paste } from "./canvas-clip.js";
import { listenForFind, openFind } from "./canvas-find.js";
import { act, again, board, reread, studio } from "./canvas-post.js";
import { follow, pan, reveal, zoomKey } from "./canvas-view.js";
import { arrow, focusStop, keepOneStop, stops } from "./canvas-move.js";
import { listenForDrags } from "./canvas-drag.js";
import { closeMenu, listenForMenus, openMenu, picking, place, placing, stopPlacing } from "./canvas-menu.js";
import { closePanel, leavePanel, listenForPanel, openPanel, savePanel } from "./canvas-panel.js";
import { listenForDialogs, openDialog } from "./canvas-dialog.js";

const editable = studio?.hasAttribute("data-editable");

function remove(key) {
  const card = document.getElementById(`card-${key}`);
  if (card) doWith(card, "remove");
}

function clicked(event) {
  const target = event.target.closest("[data-node].node-card, .slot, #ask-drop, [data-remove], [data-undo], [data-redo], [data-edit], [data-dialog], [data-reload], [data-again], [data-more], [data-fold], [data-find]");
  if (!target || event.ctrlKey || event.metaKey) return;
  if (target.matches(".node-card")) {
    event.preventDefault();
    if (picking()) place(target);
    else openPanel(target.dataset.node);
  } else if (target.matches(".slot")) {
    if (placing()) place(target);
    else openMenu(target);
  } else if (target.dataset.edit) {
    event.preventDefault();
    document.getElementById("flow-dialog").close();
    openPanel(target.dataset.edit);
  } else if (target.id === "ask-drop") closePanel();
  else if (target.id === "ask-remove") act({ do: "remove", node: target.dataset.remove, below: target.dataset.below });
  else if (target.dataset.more) openCardMenu(document.getElementById(`card-${target.dataset.more}`));
  else if (target.dataset.fold) act({ do: "fold", node: target.dataset.fold, how: target.dataset.how });
  else if (target.matches("[data-find]")) openFind();
  else if (target.dataset.remove) remove(target.dataset.remove);
  else if (target.matches("[data-undo]")) act({ do: "undo" });
  else if (target.matches("[data-redo]")) act({ do: "redo" });
  else if (target.dataset.dialog) openDialog(target.dataset.dialog);
  else if (target.matches("[data-reload]")) location.reload();
  else if (target.matches("[data-again]")) again();
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable], criteria-builder, .menu, .insert-menu");
}

function keyed(event) {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && escape(event)) { event.preventDefault(); return; } // else it would shut the question just asked
  if (typing(event.target)) return;
  const turn = (event.ctrlKey || event.metaKey) && ({ z: event.shiftKey ? "redo" : "undo", y: "redo" })[event.key.toLowerCase()];
  if (turn) {
    event.preventDefault();
    if (editable) act({ do: turn });
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f") { event.preventDefault(); openFind(); return; }
  const card = event.target.closest?.("#board .node-card");
  if (card && cardKey(event, card)) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v" && editable && event.target.matches?.(".slot") && copied()) { event.preventDefault(); paste(event.target); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const stop = event.target.closest?.("[data-stop]");
  if (event.key === "?") document.getElementById("shortcuts").showModal();
  else if (zoomKey(event.key)) event.preventDefault();
  else if (event.key.toLowerCase() === "h") { event.preventDefault(); toHead(); }
  else if (event.key.startsWith("Arrow") && (stop || event.target === document.body || event.target === studio || event.target.closest(".canvas-stage"))) {
    if (event.target.closest(".canvas-tools")) return;
    event.preventDefault();
    if (event.shiftKey) pan(event.key);
    else arrow(event.key, stop);
  } else if (stop) stopKeyed(event, stop);
}

// To the buttons above: Activate, Publish or Pause; else to the flow's name.
function toHead() {
  const buttons = document.querySelectorAll("#flow-head :is([data-dialog], [data-edit])");
  const first = [...buttons].find((one) => one.checkVisibility() && !one.disabled && one.matches(".btn-primary"));
  (first ?? [...buttons].find((one) => one.checkVisibility() && !one.disabled) ?? document.querySelector("[data-rename]"))?.focus();
}

function stopKeyed(event, stop) {
  const key = event.key;
  if (key === " " && stop.matches("a")) { event.preventDefault(); stop.click(); }
  else if (key.toLowerCase() === "a" && editable) {
    const slot = stop.matches(".slot") ? stop : document.querySelector(`.slot[data-source="${CSS.escape(stop.dataset.node)}"]`);
    if (slot) { event.preventDefault(); focusStop(slot); openMenu(slot); }
  }
}

function escape(event) {
  if (placing() || picking()) { stopPlacing(true); return true; }
  if (closeMenu()) return true;
  if (event.target.closest?.("#panel")) { leavePanel(); return true; }
  return false;
}

function mark(key) {
  for (const card of document.querySelectorAll(".node-card")) {
    const chosen = card.dataset.node === key;
    card.classList.toggle("is-selected", chosen);
    if (chosen) card.setAttribute("aria-current", "true");
    else card.removeAttribute("aria-current");
  }
}

function firstOfPanel() {
  const controls = document.querySelectorAll("#panel .panel-body :is(select, input:not([type=hidden]), textarea, button, summary)");
  return [...controls].find((one) => one.checkVisibility()) ?? document.querySelector("#panel h2");
}

// After each action the board is another: keep one stop in the tab order, and go where the answer says.
function changed() {
  const live = document.documentElement.dataset.liveState;
  if (live) for (const place of document.querySelectorAll(".live-state")) place.dataset.state = live;
  keepOneStop();
  follow();
}

document.addEventListener("canvas", (event) => {
  const { focus, node } = event.detail ?? {};
  changed();
  mark(node);
  const address = new URL(location.href);
  if (node) address.searchParams.set("node", node);
  else address.searchParams.delete("node");
  history.replaceState(history.state, "", address);
  if (focus === "panel") firstOfPanel()?.focus({ preventScroll: true });
  else if (focus) focusStop(document.getElementById(`card-${focus}`) ?? stops()[0]);
  const card = node && document.getElementById(`card-${node}`);
  if (card) reveal(card);
});

// The focus fell off the page: back to the same control when it is there again, else to the step one stood on.
function refocus(event) {
  const { focused } = event.detail ?? {};
  const again = focused?.id && document.getElementById(focused.id);
  if (again?.checkVisibility() && !again.disabled) again.focus({ preventScroll: true });
  else arrow("", null);
}

if (studio) {
  document.addEventListener("canvas:lost", refocus);
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", keyed);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-rename]")) act({ do: "rename", name: event.target.value });
    else if (event.target.matches("[data-relabel]")) act({ do: "label", labels: event.target.value });
  });
  document.addEventListener("live:after", keepOneStop);
  listenForDialogs();
  listenForCards();
  listenForFind();
  if (editable) {
    listenForDrags();
    listenForMenus();
  }
  listenForPanel();
  changed();
  const chosen = document.querySelector(".node-card.is-selected") ?? document.querySelector(".node-card");
  if (chosen) reveal(chosen, true);
  if (document.getElementById("panel-form") && document.activeElement === document.body) firstOfPanel()?.focus({ preventScroll: true });
  addEventListener("pageshow", (event) => { if (event.persisted) reread(); });
}

export { board, savePanel };
