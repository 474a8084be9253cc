// Several values as chips: Enter or a comma adds what was typed, pasting adds each line, Backspace in the empty input takes the last away.

import { h } from "./dom.js";

const SHOWN = 100; // a list may hold ten thousand
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

export function chips(value, set, { name, label, numeric, strict }) {
  let values = Array.isArray(value) ? value : [];
  const box = h("div", { class: "tag-input builder-chips" });
  const input = h("input", { type: "text", inputmode: numeric ? "decimal" : undefined, "data-at": name, "aria-label": `${label}: add`, autocomplete: "off" });
  const numbers = numeric || (!strict && values.length > 0 && values.every((one) => typeof one === "number"));
  const fits = (part) => part && (!numeric || NUMBER.test(part));
  const keep = (next) => { values = [...new Set(next)]; set(values); show(); };
  const add = (text, separator) => {
    const parts = text.split(separator).map((part) => part.trim()).filter(fits).map((part) => (numbers && NUMBER.test(part) ? Number(part) : part));
    input.value = "";
    if (parts.length) keep([...values, ...parts]);
  };
  const remove = (one) => { keep(values.filter((other) => other !== one)); input.focus(); };
  const chip = (one) => h("span", { class: "tag" }, String(one), h("button", { type: "button", "aria-label": `Remove ${one}`, onclick: () => remove(one) }, "×"));
  const show = () => {
    for (const tag of box.querySelectorAll(".tag, .soft")) tag.remove();
    const rest = values.length - SHOWN;
    box.prepend(...values.slice(0, SHOWN).map(chip), ...(rest > 0 ? [h("span", { class: "soft" }, `and ${rest.toLocaleString()} more`)] : []));
    input.placeholder = values.length ? "" : "Type, then Enter";
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); add(input.value, ","); }
    else if (event.key === "Backspace" && !input.value && values.length) keep(values.slice(0, -1));
  });
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text") ?? "";
    if (/[\n\t,;]/.test(text)) { event.preventDefault(); add(input.value + text, /[\n\r\t,;]+/); }
  });
  input.addEventListener("blur", () => { if (input.value) add(input.value, ","); });
  box.append(input);
  show();
  return [box];
}
