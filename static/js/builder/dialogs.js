// Dialogs made on the spot: dialog({title, body, foot}) opens one that is gone when it closes; and the JSON of a document or a row.

import { h, icon } from "./dom.js";
import { plain } from "./model.js";

let last = 0;

export function dialog({ host, title, body, foot = [], large = false }) {
  const id = `builder-dialog-${++last}`;
  const close = () => element.close();
  const head = h("div", { class: "dialog-head" }, h("h2", { id }, title), h("button", { type: "button", class: "btn btn-quiet btn-icon btn-sm", "aria-label": "Close", onclick: close }, icon("x")));
  const element = h("dialog", { class: `dialog${large ? " dialog-lg" : ""} builder-dialog`, "aria-labelledby": id }, head, h("div", { class: "dialog-body" }, body), foot.length > 0 && h("div", { class: "dialog-foot" }, foot));
  element.addEventListener("close", () => element.remove());
  element.addEventListener("click", (event) => { if (event.target === element) close(); });
  host.append(element); // within the builder: its keys and inputs stay its own
  element.showModal();
  return { element, close };
}

// For developers: the document, or one part of it, to read, copy and paste over.
export function openJson(builder, id) {
  const whole = id === builder.model.root._id;
  const node = whole ? builder.model.document ?? { operator: "AND", conditions: [] } : plain(builder.model.find(id).node);
  const text = h("textarea", { class: "mono", rows: 18, spellcheck: "false", "aria-label": "JSON", value: JSON.stringify(node, null, 2) });
  const fault = h("p", { class: "builder-fault", role: "alert" });
  const use = () => {
    try {
      builder.put(id, read(text.value, whole));
      opened.close();
      builder.focusAt("json");
    } catch (error) {
      fault.textContent = error.message;
    }
  };
  const copy = h("button", { type: "button", class: "btn", "data-copy": true, onclick: () => copy.setAttribute("data-copy-text", text.value) }, icon("copy"), "Copy");
  const opened = dialog({ host: builder, title: whole ? "Criteria as JSON" : "Condition as JSON", large: true, body: [text, fault], foot: [copy, h("button", { type: "button", class: "btn btn-primary", onclick: use }, "Use this")] });
  text.focus();
}

function read(text, whole) {
  if (whole && !text.trim()) return null;
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON yet: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error('Write a group {"operator": "AND", "conditions": […]} or a condition with a "type".');
  return value;
}
