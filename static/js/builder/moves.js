// Moving rows and groups by drag and by Alt and arrows, and the menu of a row (for touch and pointer alike).

import { h, icon } from "./dom.js";
import { isRaw } from "./model.js";

// Menus -----------------------------------------------------------------------------------------------------------------
function item(label, name, onclick, { danger, hint } = {}) {
  return h("button", { type: "button", class: `menu-item${danger ? " menu-item-danger" : ""}`, onclick }, icon(name), label, hint && h("kbd", { class: "push" }, hint));
}

export function openMenu(builder, button, items) {
  builder.menu?.remove();
  const menu = h("div", { class: "menu", popover: "auto" }, items);
  builder.menu = menu;
  builder.append(menu);
  menu.addEventListener("click", () => menu.hidePopover());
  menu.addEventListener("toggle", (event) => { if (event.newState === "closed") menu.remove(); });
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const below = at.bottom + 4 + menu.offsetHeight <= innerHeight - 8;
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - menu.offsetHeight - 4)}px`;
  // base.js gives the first item the focus when the menu says that it has opened
}

export function rowItems(builder, id) {
  const { node, above } = builder.model.find(id);
  const parameter = above[0] !== builder.model.root;
  return [
    item("Move up", "arrow-up", () => move(builder, id, -1), { hint: "Alt ↑" }),
    item("Move down", "arrow-down", () => move(builder, id, 1), { hint: "Alt ↓" }),
    item("Put in a group", "corner-down-right", () => builder.change(() => builder.model.wrap(id), `${id}:handle`, "Put in a group", "Groups cannot be nested deeper")),
    item("Duplicate", "copy", () => builder.duplicate(id)),
    !parameter && !isRaw(node) && item("Edit as JSON", "code", () => builder.json(id)),
    h("div", { class: "menu-line" }),
    item("Remove", "trash", () => builder.takeOut(id), { danger: true }),
  ].filter(Boolean);
}

export function move(builder, id, by) {
  builder.change(() => builder.model.step(id, by), `${id}:handle`, by < 0 ? "Moved up" : "Moved down", "It cannot go further");
}

// Keyboard --------------------------------------------------------------------------------------------------------------
export function keys(builder, event) {
  const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
  if (undo || (event.ctrlKey && event.key.toLowerCase() === "y")) {
    event.preventDefault();
    builder.travel(undo && !event.shiftKey ? "undo" : "redo");
    return;
  }
  const by = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const node = by && event.target.closest("[data-id]");
  if (!node || !builder.model.find(node.dataset.id)?.list) return;
  event.preventDefault();
  move(builder, node.dataset.id, by);
}

// Drag ------------------------------------------------------------------------------------------------------------------
const mark = h("div", { class: "builder-drop" });
let dragged = null;

export function listenForDrags(builder) {
  const on = (name, listener) => builder.addEventListener(name, listener);
  on("pointerdown", (event) => arm(event, true));
  on("pointerup", (event) => arm(event, false));
  on("dragstart", start);
  on("dragover", over);
  on("drop", (event) => { if (dragged) { event.preventDefault(); drop(builder); } });
  on("dragend", end);
}

// Only the handle starts a drag, so that text in inputs can be selected with the mouse.
function arm(event, yes) {
  const node = event.target.closest?.("[data-handle]")?.closest("[data-id]");
  if (node) node.draggable = yes;
}

function start(event) {
  if (!event.target.dataset?.id) return;
  dragged = event.target;
  dragged.classList.add("is-dragged");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.id);
}

function over(event) {
  const items = dragged && itemsAt(event.target);
  if (!items || dragged.contains(items) || scopeOf(items) !== scopeOf(dragged)) return;
  event.preventDefault();
  const after = children(items).find((child) => child !== dragged && event.clientY < middle(child));
  items.insertBefore(mark, after ?? null);
}

function drop(builder) {
  const items = mark.parentElement;
  if (items) {
    const before = children(items).filter((child) => child.compareDocumentPosition(mark) & Node.DOCUMENT_POSITION_FOLLOWING);
    const { id } = dragged.dataset;
    const group = items.closest(".group").dataset.id;
    builder.change(() => builder.model.put(id, group, before.length), `${id}:handle`, "Moved", "It cannot go there");
  }
  end();
}

function end() {
  dragged?.classList.remove("is-dragged");
  if (dragged) dragged.draggable = false;
  dragged = null;
  mark.remove();
}

const children = (items) => [...items.children].filter((child) => child.dataset.id);
const itemsAt = (target) => target.closest(".group")?.querySelector(":scope > .group-items");
const scopeOf = (element) => element.closest(".condition-where, criteria-builder");
const middle = (element) => { const box = element.getBoundingClientRect(); return box.top + box.height / 2; };
