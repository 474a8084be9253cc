// Typed inputs for values. Each takes (value, set(value), options {name, label}) and gives elements.

import { choose, h } from "./dom.js";
import { BARE, MANY, RELATIVE, UNITS } from "./terms.js";

const DURATION = /^([0-9]*)(s|m|h|d|w|mo|y)$/;

export function durationInput(value, set, { name, label }) {
  const [, count, unit] = DURATION.exec(value ?? "") ?? [null, "", "d"];
  const number = h("input", { type: "number", min: 1, max: 999999, step: 1, value: count, "data-at": `${name}-count`, "aria-label": `${label}: how many` });
  const units = choose(UNITS, unit, { "data-at": `${name}-unit`, "aria-label": `${label}: unit` });
  const changed = () => set(number.value ? `${Math.trunc(Number(number.value))}${units.value}` : "");
  number.addEventListener("input", changed);
  units.addEventListener("change", changed);
  return [h("span", { class: "builder-pair" }, number, units)];
}

export function numberInput(value, set, { name, label }) {
  const shown = typeof value === "number" || (value && !Number.isNaN(Number(value))) ? value : "";
  const input = h("input", { type: "number", step: "any", value: shown, "data-at": name, "aria-label": label });
  input.addEventListener("input", () => set(input.value === "" ? undefined : Number(input.value)));
  return [input];
}

function textInput(value, set, { name, label, mono }) {
  const input = h("input", { type: "text", value: value ?? "", maxlength: 1000, "data-at": name, "aria-label": label, class: mono ? "mono" : undefined, autocomplete: "off", spellcheck: "false" });
  input.addEventListener("input", () => set(input.value));
  return [input];
}

function yesOrNo(value, set, { name, label }) {
  const select = choose([["true", "yes"], ["false", "no"]], String(value ?? ""), { "data-at": name, "aria-label": label });
  select.addEventListener("change", () => set(select.value === "true"));
  return [select];
}

// Instants are shown in the reader's zone and written with an offset.
function local(value) {
  const at = new Date(value);
  if (!value || Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

export function instantInput(value, set, { name, label }) {
  const input = h("input", { type: "datetime-local", value: local(value), "data-at": name, "aria-label": label });
  input.addEventListener("input", () => set(input.value ? new Date(input.value).toISOString() : ""));
  return [input];
}

function dayInput(value, set, { name, label }) {
  const input = h("input", { type: "date", value: String(value ?? "").slice(0, 10), "data-at": name, "aria-label": label });
  input.addEventListener("input", () => set(input.value));
  return [input];
}

// Chips: Enter or a comma adds what was typed, Backspace in the empty input takes the last one away.
export function chips(value, set, { name, label, numeric }) {
  let values = Array.isArray(value) ? value : [];
  const box = h("div", { class: "tag-input builder-chips" });
  const input = h("input", { type: "text", inputmode: numeric ? "decimal" : undefined, "data-at": name, "aria-label": `${label}: add`, autocomplete: "off" });
  const fits = (part) => part && !(numeric && Number.isNaN(Number(part)));
  const keep = (next) => { values = [...new Set(next)]; set(values); show(); };
  const add = () => {
    const parts = input.value.split(",").map((part) => part.trim()).filter(fits).map((part) => (numeric ? Number(part) : part));
    input.value = "";
    if (parts.length) keep([...values, ...parts]);
  };
  const remove = (one) => { keep(values.filter((other) => other !== one)); input.focus(); };
  const chip = (one) => h("span", { class: "tag" }, String(one), h("button", { type: "button", "aria-label": `Remove ${one}`, onclick: () => remove(one) }, "×"));
  const show = () => {
    for (const tag of box.querySelectorAll(".tag")) tag.remove();
    box.prepend(...values.map(chip));
    input.placeholder = values.length ? "" : "Type, then Enter";
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === ",") { event.preventDefault(); add(); }
    else if (event.key === "Backspace" && !input.value && values.length) keep(values.slice(0, -1));
  });
  input.addEventListener("blur", add);
  box.append(input);
  show();
  return [box];
}

const SINGLE = { text: textInput, number: numberInput, boolean: yesOrNo, date: dayInput, datetime: instantInput, list: textInput };

// The input for a value of this type under this operator; a value that is an object ({"trigger": …}) is kept as it is.
export function valueInput(type, operator, value, set, { name, label }) {
  if (BARE.has(operator)) return [];
  if (value !== null && typeof value === "object" && !Array.isArray(value)) return [h("code", { class: "badge" }, JSON.stringify(value))];
  if (RELATIVE.has(operator)) return durationInput(value, set, { name, label });
  if (MANY.has(operator)) return chips(value, set, { name, label, numeric: type === "number" });
  const day = type === "datetime" && operator === "on";
  const one = day ? dayInput : SINGLE[type] ?? textInput;
  if (operator !== "between") return one(value, set, { name, label, mono: operator === "matches" });
  return pair(one, value, set, { name, label });
}

export function pair(one, value, set, { name, label }) {
  const both = Array.isArray(value) ? [value[0], value[1]] : [undefined, undefined];
  const at = (index) => (part) => { both[index] = part; set([...both]); };
  return [
    ...one(both[0], at(0), { name: `${name}-low`, label: `${label}: from` }), h("span", { class: "soft" }, "and"),
    ...one(both[1], at(1), { name: `${name}-high`, label: `${label}: to` }),
  ];
}

// What to begin with when the type or the operator changes; a value that still fits is kept.
export function startValue(type, operator, before) {
  if (BARE.has(operator)) return undefined;
  if (RELATIVE.has(operator)) return DURATION.test(before) ? before : "30d";
  if (MANY.has(operator)) return Array.isArray(before) ? before : before === undefined || before === "" ? [] : [before];
  if (operator === "between") return Array.isArray(before) && before.length === 2 ? before : [undefined, undefined];
  const single = Array.isArray(before) ? before[0] : before;
  if (type === "boolean") return typeof single === "boolean" ? single : true;
  if (type === "number") return typeof single === "number" ? single : undefined;
  return typeof single === "string" && !DURATION.test(single) ? single : "";
}
