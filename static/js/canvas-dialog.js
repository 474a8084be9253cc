// Activate, pause, resume, drain, publish: a dialog fetched when it is asked for, so that its numbers are of now.

import { act, get, settle, studio } from "./canvas-post.js";

const dialog = document.getElementById("flow-dialog");

export async function openDialog(name) {
  if (!(await settle())) return;
  const answer = await get(studio.dataset.dialogUrl.replace("DIALOG", name));
  if (!answer) return;
  dialog.innerHTML = await answer.text();
  if (!dialog.open) dialog.showModal();
  const first = dialog.querySelector(".dialog-body :is(input:checked, a[href])") ?? dialog.querySelector(".dialog-body input") ?? dialog.querySelector("[data-go]");
  first?.focus();
}

async function send(form) {
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const button = form.querySelector("[data-go]");
  button.classList.add("is-loading");
  const values = new FormData(form);
  values.set("do", form.dataset.act);
  const done = await act(values);
  delete form.dataset.sent;
  button.classList.remove("is-loading");
  if (done) dialog.close();
}

// What opened the dialog may be gone or hidden by the time it closes; the focus then still lies in the dialog.
function closed() {
  if (document.activeElement === document.body || dialog.contains(document.activeElement)) document.dispatchEvent(new CustomEvent("canvas:lost", { detail: {} }));
}

export function listenForDialogs() {
  dialog.addEventListener("close", closed);
  dialog.addEventListener("submit", (event) => { event.preventDefault(); send(event.target); });
  dialog.addEventListener("click", (event) => {
    const other = event.target.closest("[data-dialog]");
    if (other) return openDialog(other.dataset.dialog);
    const button = event.target.closest("[data-settings]");
    if (!button) return;
    const more = document.getElementById(button.getAttribute("aria-controls"));
    const shown = more.classList.toggle("is-shown");
    button.setAttribute("aria-expanded", String(shown));
    if (shown) button.scrollIntoView({ block: "start" });
  });
}
