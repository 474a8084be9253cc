// What can be done with a step: its menu (⋯, right click, Shift F10) and its keys.

import { copied, copy, paste, steps } from "./canvas-clip.js";
import { act, announce, studio } from "./canvas-post.js";
import { hold, openMenu } from "./canvas-menu.js";
import { focusStop } from "./canvas-move.js";
import { openPanel } from "./canvas-panel.js";

const menu = document.getElementById("card-menu");
const editable = studio?.hasAttribute("data-editable");
let card = null; // the card whose menu is open

const cardOf = (key) => document.getElementById(`card-${key}`);
const firstSlot = (one) => document.querySelector(`.slot[data-source="${CSS.escape(one.dataset.node)}"]`);

function ask(one, below) {
  const count = Number(below ? one.dataset.branch : one.dataset.below);
  if (!count) return act({ do: "remove", node: one.dataset.node });
  const button = document.getElementById("ask-remove");
  button.dataset.confirm = below ? `${steps(count)} below it that nothing else leads to go with it. Undo brings all back.` : `Its first way out closes up; ${steps(count)} of the other branches may go with it. Undo brings all back.`;
  button.dataset.confirmTitle = below ? "Remove this step and all below it?" : "Remove this step and its branches?";
  button.dataset.remove = one.dataset.node;
  button.dataset.below = below ? "1" : "";
  return button.click();
}

const deeds = {
  open: (one) => openPanel(one.dataset.node),
  add: (one) => { const slot = firstSlot(one); if (slot) { focusStop(slot); openMenu(slot); } },
  copy: (one, below) => copy(one, below),
  cut: async (one, below) => (await copy(one, below, false)) && act({ do: "remove", node: one.dataset.node, below: below ? "1" : "" }),
  paste: (one) => paste(firstSlot(one)),
  duplicate: (one) => act({ do: "duplicate-step", node: one.dataset.node }),
  move: (one, below) => hold({ move: { node: one.dataset.node, below: below ? "1" : "" } }, below ? "Choose the + where this step goes with all below it." : "Choose the + where this step goes."),
  remove: (one, below) => ask(one, below),
  fold: (one) => act({ do: "fold", node: one.dataset.node, how: one.hasAttribute("data-folded") ? "unfold" : "fold" }),
};

export function doWith(one, deed, below = false) {
  const trigger = one.dataset.group === "trigger";
  const own = !["open", "fold"].includes(deed);
  if (own && !editable) return;
  if (trigger && ["copy", "cut", "duplicate", "move", "remove"].includes(deed)) return announce("The trigger stays: a flow needs one.");
  return deeds[deed](one, below);
}

// The keys of a step; true when one was its.
export function cardKey(event, one) {
  const ctrl = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  const deed = ctrl ? { c: "copy", x: "cut", v: "paste", d: "duplicate" }[key] : { delete: "remove", backspace: "remove", m: "move", c: "fold" }[key];
  if (!deed || (ctrl && event.shiftKey) || (deed === "copy" && String(getSelection()))) return false;
  if (deed === "fold" && !Number(one.dataset.branch)) return false;
  event.preventDefault();
  doWith(one, deed, deed === "remove" && event.shiftKey);
  return true;
}

export function openCardMenu(one, at = null) {
  card = one;
  const branch = Number(one.dataset.branch);
  const shown = { way: firstSlot(one), clip: copied() && firstSlot(one), step: one.dataset.group !== "trigger", branch };
  for (const part of menu.querySelectorAll("[data-for]")) part.hidden = !shown[part.dataset.for];
  document.getElementById("branch-words").textContent = `With the ${steps(branch)} below it`;
  menu.querySelector("[data-do=fold] span").textContent = one.hasAttribute("data-folded") ? "Unfold" : "Fold away";
  menu.showPopover();
  const box = one.getBoundingClientRect();
  const { x, y } = at ?? { x: Math.min(box.right, innerWidth) - menu.offsetWidth, y: box.bottom + 4 };
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - menu.offsetHeight - 8))}px`;
}

export function listenForCards() {
  document.addEventListener("contextmenu", (event) => {
    const one = event.target.closest("#board .node-card");
    if (!one || event.shiftKey) return; // with Shift, the browser's own
    event.preventDefault();
    openCardMenu(one, event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : null);
  });
  menu.addEventListener("click", (event) => {
    const item = event.target.closest("[data-do]");
    if (!item) return;
    const one = cardOf(card.dataset.node);
    menu.hidePopover();
    if (one) { focusStop(one); doWith(one, item.dataset.do, item.hasAttribute("data-below")); }
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && card?.isConnected && (document.activeElement === document.body || menu.contains(document.activeElement))) focusStop(card);
  });
}
