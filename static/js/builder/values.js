// Typed inputs for values. Each takes (value, set(value), options {name, label}) and gives elements.

import { chips } from "./chips.js";
import { choose, h } from "./dom.js";
import { instantInput, momentInput, momentPair } from "./moments.js";
import { isTrigger } from "./shapes.js";
import { BARE, MANY, RELATIVE, UNITS } from "./terms.js";

const DURATION = /^([0-9]*)(s|m|h|d|w|mo|y)$/;

export function durationInput(value, set, { name, label, units: offered = UNITS }) {
  const [, count, unit] = DURATION.exec(value ?? "") ?? [null, "", offered.some(([one]) => one === "d") ? "d" : offered[0][0]];
  const number = h("input", { type: "number", min: 1, max: 999999, step: 1, value: count, "data-at": `${name}-count`, "aria-label": `${label}: how many` });
  const units = choose(offered, unit, { "data-at": `${name}-unit`, "aria-label": `${label}: unit` });
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

export function textInput(value, set, { name, label, mono, placeholder }) {
  const input = h("input", { type: "text", value: value ?? "", maxlength: 5000, "data-at": name, "aria-label": label, class: mono ? "mono" : undefined, autocomplete: "off", spellcheck: "false", placeholder });
  input.addEventListener("input", () => set(input.value));
  return [input];
}

function yesOrNo(value, set, { name, label }) {
  const select = choose([["true", "yes"], ["false", "no"]], String(value ?? ""), { "data-at": name, "aria-label": label });
  select.addEventListener("change", () => set(select.value === "true"));
  return [select];
}

function dayInput(value, set, { name, label }) {
  const input = h("input", { type: "date", value: String(value ?? "").slice(0, 10), "data-at": name, "aria-label": label });
  input.addEventListener("input", () => set(input.value));
  return [input];
}

// One element of a list: a text, unless a number or a yes or no stands there already.
const scalar = (value, set, options) => (typeof value === "number" ? numberInput : typeof value === "boolean" ? yesOrNo : textInput)(value, set, options);

// "=" on an instant asks for that instant; the rest take a day or an instant.
const instant = (operator) => (["=", "!="].includes(operator) ? instantInput : operator === "on" ? dayInput : momentInput);
const SINGLE = { text: textInput, number: numberInput, boolean: yesOrNo, date: dayInput, list: scalar };
const DAYS = UNITS.filter(([unit]) => !["s", "m", "h"].includes(unit));

// A value that is known of one journey alone: what its event carried, or what a webhook on the way answered.
function carriedInput(value, set, { name, label }) {
  const [source] = Object.keys(value);
  const choose = h("select", { "aria-label": `${label}: taken from`, "data-at": `${name}-from` }, h("option", { value: "trigger" }, "the trigger’s"), h("option", { value: "node" }, "the answer’s"));
  choose.value = source;
  choose.addEventListener("change", () => set({ [choose.value]: value[source] }));
  const said = source === "node" ? { label: `${label}: property of an answer`, placeholder: "step.body.property" } : { label: `${label}: property of the trigger`, placeholder: "such as orderId" };
  const write = (text) => set({ [choose.value]: text });
  return [choose, ...textInput(value[source], write, { name, ...said })];
}

// The input for a value of this type under this operator.
export function valueInput(type, operator, value, set, { name, label }) {
  if (BARE.has(operator)) return [];
  if (isTrigger(value)) return carriedInput(value, set, { name, label });
  if (RELATIVE.has(operator)) return durationInput(value, set, { name, label, units: type === "date" || operator.startsWith("anniversary") ? DAYS : UNITS });
  if (MANY.has(operator)) return chips(value, set, { name, label, numeric: type === "number", strict: type === "text" });
  if (operator === "between") return type === "datetime" ? momentPair(value, set, { name, label }) : pair(SINGLE[type] ?? textInput, value, set, { name, label });
  const one = type === "datetime" ? instant(operator) : SINGLE[type] ?? textInput;
  return one(value, set, { name, label, mono: operator === "matches" });
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
  if (isTrigger(before)) return before;
  if (MANY.has(operator)) return Array.isArray(before) ? before : before === undefined || before === "" || DURATION.test(before) ? [] : [before];
  if (operator === "between") return Array.isArray(before) && before.length === 2 ? before : [undefined, undefined];
  const single = Array.isArray(before) ? before[0] : before;
  if (type === "boolean") return typeof single === "boolean" ? single : true;
  if (type === "number") return typeof single === "number" ? single : undefined;
  if (operator === "on") return typeof single === "string" ? single.slice(0, 10) : "";
  return typeof single === "string" && !DURATION.test(single) ? single : "";
}
