// Drag a step from the palette, or a card from the board, onto a + slot: native drag and drop, and touch by pointer.

import { act } from "./canvas-post.js";
import { stopPlacing } from "./canvas-menu.js";

const studio = document.querySelector(".studio");
let carried = null; // {kind} from the palette or {node} from the board

const slotOf = (target) => target?.closest?.("#board .slot");

function own(slot) {
  return carried?.node && (slot.dataset.source === carried.node || slot.dataset.target === carried.node);
}

function mark(slot) {
  for (const one of document.querySelectorAll(".slot.is-target")) if (one !== slot) one.classList.remove("is-target");
  slot?.classList.add("is-target");
}

function lift(what, element) {
  stopPlacing();
  carried = what;
  element.classList.add("is-dragged");
  // after the browser took its picture of the dragged thing
  requestAnimationFrame(() => studio.classList.add("is-dragging"));
}

function letGo() {
  carried = null;
  studio.classList.remove("is-dragging");
  mark(null);
  for (const one of document.querySelectorAll(".is-dragged")) one.classList.remove("is-dragged");
}

function drop(slot, below = false) {
  const what = carried;
  if (!what || !slot || own(slot)) return;
  const { source, port } = slot.dataset;
  if (what.kind) act({ do: "insert", kind: what.kind, source, port });
  else act({ do: "move", node: what.node, source, port, below: below ? "1" : "" });
}

function native() {
  document.addEventListener("dragstart", (event) => {
    const item = event.target.closest?.(".palette-item[data-kind], .node-card[draggable=true]");
    if (!item) return;
    event.dataTransfer.effectAllowed = item.dataset.kind ? "copy" : "move";
    event.dataTransfer.setData("text/plain", item.dataset.kind ?? item.dataset.node);
    lift(item.dataset.kind ? { kind: item.dataset.kind } : { node: item.dataset.node }, item);
  });
  document.addEventListener("dragover", (event) => {
    const slot = carried && slotOf(event.target);
    mark(slot && !own(slot) ? slot : null);
    if (!slot || own(slot)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = carried.kind ? "copy" : "move";
  });
  document.addEventListener("drop", (event) => {
    const slot = carried && slotOf(event.target);
    if (!slot) return;
    event.preventDefault();
    drop(slot, event.shiftKey); // with Shift, all below comes along
    letGo();
  });
  document.addEventListener("dragend", letGo);
}

// Touch has no native drag: the palette entry follows the finger.
function touch() {
  let ghost = null;
  document.addEventListener("pointerdown", (event) => {
    const item = event.target.closest?.(".palette-item[data-kind]");
    if (!item || event.pointerType !== "touch") return;
    const start = { x: event.clientX, y: event.clientY };
    const move = (now) => {
      if (!ghost && Math.hypot(now.clientX - start.x, now.clientY - start.y) < 8) return;
      if (!ghost) {
        ghost = item.cloneNode(true);
        ghost.classList.add("drag-ghost");
        document.body.append(ghost);
        lift({ kind: item.dataset.kind }, item);
      }
      ghost.style.setProperty("--x", `${now.clientX}px`);
      ghost.style.setProperty("--y", `${now.clientY}px`);
      mark(slotOf(document.elementFromPoint(now.clientX, now.clientY)));
    };
    const end = (now) => {
      document.removeEventListener("pointermove", move);
      if (ghost && now.type === "pointerup") drop(slotOf(document.elementFromPoint(now.clientX, now.clientY)));
      ghost?.remove();
      ghost = null;
      letGo();
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", end, { once: true });
    document.addEventListener("pointercancel", end, { once: true });
  });
}

export function listenForDrags() {
  native();
  touch();
}
