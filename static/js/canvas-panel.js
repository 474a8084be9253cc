// The panel at the right: rows that come and go, faults while one types, saving.

import { act, get, listenToPanel, settle, studio, take } from "./canvas-post.js";

const PAUSE = 450;
let timer = 0;
let asked = 0;

const form = () => document.getElementById("panel-form");
const address = (key) => studio.dataset.nodeUrl.replace("NODE", encodeURIComponent(key));
const dirty = () => Boolean(form()?.dataset.dirty);

function touched() {
  const here = form();
  if (!here) return;
  here.dataset.dirty = "1";
  here.querySelector("[data-dirty]")?.removeAttribute("hidden");
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE);
}

// Faults in words, while typing; never moves the focus.
async function check() {
  const here = form();
  if (!here || !studio.hasAttribute("data-editable")) return;
  const mine = ++asked;
  const answer = await fetch(address(here.dataset.node), { method: "POST", headers: { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"], Accept: "application/json" }, body: new URLSearchParams(new FormData(here)) }).catch(() => null);
  if (!answer?.ok || mine !== asked || here !== form()) return;
  show(here, (await answer.json()).faults);
}

function fill(list, lines) {
  if ([...list.children].map((one) => one.textContent).join("\n") === lines.join("\n")) return;
  list.replaceChildren(...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function show(here, faults) {
  const at = (name) => faults.filter(({ path }) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`));
  for (const list of here.querySelectorAll("[data-faults-of]")) {
    const name = list.dataset.faultsOf;
    const rows = list.closest("[data-rows=branches]");
    const mine = at(name);
    fill(list, (rows ? mine.filter(({ path }) => path === name) : mine).map(({ message }) => message));
    const control = here.querySelector(`[aria-describedby~="${CSS.escape(list.id)}"]`);
    if (control) control.toggleAttribute("aria-invalid", false);
    if (control && mine.length) control.setAttribute("aria-invalid", "true");
    rows?.querySelectorAll("[data-branch]").forEach((row, index) => {
      const inner = at(`${name}[${index}]`);
      fill(row.querySelector("[data-branch-faults]"), inner.map(({ message }) => message));
    });
  }
}

function values() {
  if (!form()) return null;
  const sent = new FormData(form());
  sent.set("do", "change");
  sent.set("node", form().dataset.node);
  return sent;
}

export async function savePanel() {
  if (!form()) return true;
  clearTimeout(timer);
  return act(values);
}

let wanted = 0;

export async function openPanel(key) {
  if (dirty() && form().dataset.node === key) { send({ node: key, focus: "panel" }); return; }
  const mine = ++wanted;
  if (!(await settle())) return;
  const answer = await get(address(key));
  if (!answer || mine !== wanted || !(await settle())) return; // something may have been typed meanwhile
  await take(answer);
  ready();
}

const send = (detail) => document.dispatchEvent(new CustomEvent("canvas", { detail }));

// Leaving by Escape or × asks before it throws away what was typed; Cancel says it.
export function leavePanel() {
  if (dirty()) document.getElementById("ask-drop").click();
  else closePanel();
}

export function closePanel() {
  const key = form()?.dataset.node;
  document.getElementById("panel").replaceChildren();
  send({ focus: key });
}

// What was typed before this script had come.
function touchedBefore(control) {
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  if (control.matches("select")) return [...control.options].some((one) => one.selected !== one.defaultSelected) && [...control.options].some((one) => one.defaultSelected);
  return control.matches("input:not([type=hidden]), textarea") && control.value !== control.defaultValue;
}

// Rows ---------------------------------------------------------------------------------------------------------------
function freePort(list) {
  const taken = new Set([...list.querySelectorAll("[data-branch-port]")].map((one) => one.value));
  let number = taken.size;
  while (taken.has(`branch-${number}`)) number += 1;
  return taken.has("yes") || taken.size ? `branch-${number}` : "yes";
}

function addRow(button) {
  const field = button.closest("[data-rows]");
  const list = field.querySelector(".rows");
  const row = field.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
  const port = row.querySelector("[data-branch-port]");
  if (port) port.value = freePort(list);
  list.append(row);
  (row.querySelector("input:not([type=hidden])") ?? row).focus();
  touched();
}

function rowClicked(event) {
  const button = event.target.closest("[data-add-row], [data-remove-row], [data-row-up], [data-row-down], [data-close-panel]");
  if (!button) return;
  const row = button.closest(".rows > li");
  if (button.matches("[data-close-panel]")) { if (button.closest(".panel-foot")) closePanel(); else leavePanel(); return; }
  if (button.matches("[data-add-row]")) { addRow(button); return; }
  if (button.matches("[data-remove-row]")) {
    const next = row.nextElementSibling ?? row.previousElementSibling ?? row.closest("[data-rows]").querySelector("[data-add-row]");
    row.remove();
    (next?.matches("button") ? next : next?.querySelector("input:not([type=hidden])"))?.focus();
  } else if (button.matches("[data-row-up]")) row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  button.isConnected && button.focus();
  touched();
}

// Settings that only mean something beside another.
function showWhen() {
  for (const field of form()?.querySelectorAll("[data-shown-when]") ?? []) {
    const [name, value] = field.dataset.shownWhen.split("=");
    field.hidden = !value.split("|").includes(form().querySelector(`[name="s.${name}"]`)?.value);
  }
  for (const verb of form()?.querySelectorAll("[data-verb]") ?? []) verb.nextElementSibling.hidden = verb.value === "clear";
}

function ready() {
  showWhen();
}

export function listenForPanel() {
  const panel = document.getElementById("panel");
  panel.addEventListener("click", rowClicked);
  for (const kind of ["input", "change"]) panel.addEventListener(kind, (event) => { if (event.target.closest("#panel-form")) { showWhen(); touched(); } });
  panel.addEventListener("submit", (event) => { event.preventDefault(); savePanel(); });
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); savePanel(); }
  });
  document.addEventListener("toggle", (event) => { // optional criteria: their builder comes when it is asked for
    if (event.target.matches?.(".add-criteria[open]")) event.target.querySelector("criteria-builder :is(input, button)")?.focus();
  }, true);
  document.addEventListener("canvas", ready);
  addEventListener("beforeunload", (event) => { if (dirty()) event.preventDefault(); });
  listenToPanel({
    node: () => form()?.dataset.node ?? "", unsaved: dirty, values, open: openPanel,
    stamp: () => (form() ? `${form().dataset.node}?${new URLSearchParams(new FormData(form()))}` : ""),
  });
  ready();
  if ([...(form()?.elements ?? [])].some(touchedBefore)) touched();
}
