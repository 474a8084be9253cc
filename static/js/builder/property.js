// A property compared with a value: an attribute of the contact, or (scope.event) of an event. `ctx.edit(node, change, control, draw)` edits.

import { combo } from "./combo.js";
import { choose, h, icon } from "./dom.js";
import { isTrigger } from "./shapes.js";
import { samples, suggest } from "./suggest.js";
import * as terms from "./terms.js";
import { startValue, valueInput } from "./values.js";

const OWN = "customProperties.";

// A select of few fixed choices.
export function select(node, ctx, control, options, value, label, set) {
  const at = `${node._id}:${control}`;
  const made = choose(options, value ?? "", { "data-at": at, "aria-label": label });
  made.addEventListener("change", () => ctx.edit(node, () => set(made.value), "", true));
  return made;
}

// A name chosen from many, or (others) one that is not known yet.
export function picker(node, ctx, { control, options, value, label, others, placeholder, samples: seen, set }) {
  const heard = (name, now) => ctx.edit(node, () => set(name), "", now ? true : "later");
  return combo({ at: `${node._id}:${control}`, label, value: value ?? "", options, placeholder, pick: heard, create: others ? heard : undefined, samples: seen });
}

// What is offered is made once for a catalogue, not for each of hundreds of rows.
const made = new WeakMap();
function once(of, key, make) {
  if (!made.has(of)) made.set(of, {});
  return (made.get(of)[key] ??= make());
}

export const eventOptions = (ctx) => once(ctx.catalogue, "events", () => ctx.catalogue.events.map(({ name, count, seen }) => ({ value: name, label: name, note: [count?.toLocaleString(), ago(seen)].filter(Boolean).join(" · ") })));

const LATELY = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
const UNITS = [[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "hour"], [60, "minute"]];
function ago(instant) {
  if (!instant) return "";
  const seconds = (Date.now() - new Date(instant).getTime()) / 1000;
  const [size, unit] = UNITS.find(([one]) => seconds >= one) ?? [1, "second"];
  return LATELY.format(-Math.max(0, Math.floor(seconds / size)), unit);
}

export function known(ctx, scope) {
  return scope.event === undefined ? ctx.catalogue.attributes : ctx.catalogue.events.find(({ name }) => name === scope.event)?.properties ?? [];
}

// Types ----------------------------------------------------------------------------------------------------------------
const IMPLIED = { contains_any: "list", contains_all: "list", contains_none: "list", in_last: "datetime", not_in_last: "datetime", in_next: "datetime", before: "datetime", after: "datetime", on: "datetime", anniversary_in_next: "date", anniversary_in_last: "date" };
const ORDERED = new Set([">", ">=", "<", "<=", "between"]);

// The type of a property that nobody declared: what its operator, else its value, speaks of.
function implied({ operator, value }) {
  const one = Array.isArray(value) ? value.find((each) => each !== null && each !== undefined) : value;
  if (IMPLIED[operator]) return IMPLIED[operator];
  if (typeof one === "boolean") return "boolean";
  if (typeof one === "number") return "number";
  return ORDERED.has(operator) ? (typeof one === "string" ? "datetime" : "number") : "text";
}

const JS_TYPE = { text: "string", number: "number", boolean: "boolean", date: "string", datetime: "string" };

function fits(type, { operator, value }, ctx) {
  if (!(ctx.catalogue.operators[type] ?? []).includes(operator)) return false;
  if (terms.BARE.has(operator) || terms.RELATIVE.has(operator) || isTrigger(value) || type === "list") return true;
  const parts = Array.isArray(value) ? value : [value];
  return parts.every((one) => one === undefined || one === null || one === "" || typeof one === JS_TYPE[type]);
}

export function typeOf(node, ctx, scope) {
  const learned = known(ctx, scope).find(({ name }) => name === node.propertyName)?.type;
  return node._type ?? (learned && fits(learned, node, ctx) ? learned : implied(node));
}

const GROUPS = { standard: "Standard", own: "Own attributes" };

// The row --------------------------------------------------------------------------------------------------------------
function offered(ctx, scope) {
  const note = ({ type }) => terms.TYPE_LABELS[type] ?? type;
  if (scope.event !== undefined) return known(ctx, scope).map((one) => ({ value: one.name, label: one.name, note: note(one) }));
  return once(ctx.catalogue, "attributes", () => ctx.catalogue.attributes.map((one) => ({ value: one.name, label: one.label, note: note(one), group: GROUPS[one.group] })));
}

export function property(node, ctx, scope) {
  const event = scope.event !== undefined;
  const rename = (name) => {
    const plain = event || !name || name.startsWith(OWN) || known(ctx, scope).some((one) => one.name === name);
    node.propertyName = plain ? name : OWN + name;
    delete node._type;
    retype(node, ctx, scope, known(ctx, scope).find((one) => one.name === node.propertyName)?.type);
  };
  const type = typeOf(node, ctx, scope);
  const sure = !node.propertyName || known(ctx, scope).some((one) => one.name === node.propertyName && one.type === type);
  return [
    picker(node, ctx, { control: "name", options: offered(ctx, scope), value: node.propertyName, label: event ? "Event parameter" : "Attribute", others: true, placeholder: event ? "Which parameter?" : "Which attribute?", samples: () => samples(ctx.catalogue.doors?.samples, event ? { event: scope.event } : {}), set: rename }),
    !sure && select(node, ctx, "type", terms.TYPES.map((one) => [one, terms.TYPE_LABELS[one]]), type, "Type", (one) => { node._type = one; retype(node, ctx, scope, one); }),
    ...comparison(node, ctx, type, scope),
  ];
}

function retype(node, ctx, scope, wanted) {
  const type = wanted ?? typeOf(node, ctx, scope);
  const allowed = ctx.catalogue.operators[type] ?? [];
  const usual = { list: "contains_any", date: "in_last", datetime: "in_last" }[type] ?? allowed.find((one) => one === "=") ?? allowed[0];
  if (!allowed.includes(node.operator) || (usual === "in_last" && node.operator === "=")) node.operator = usual;
  setValue(node, startValue(type, node.operator, node.value), type);
}

function setValue(node, value, type) {
  if (type !== "text" || terms.BARE.has(node.operator)) delete node.caseSensitive;
  if (value === undefined && terms.BARE.has(node.operator)) delete node.value;
  else node.value = value;
}

function comparison(node, ctx, type, scope) {
  const options = (ctx.catalogue.operators[type] ?? []).map((one) => [one, terms.operatorLabel(type, one)]);
  const set = (operator) => { node.operator = operator; setValue(node, startValue(type, operator, node.value), type); };
  const name = `${node._id}:value`;
  const input = valueInput(type, node.operator, node.value, (value) => ctx.edit(node, () => { node.value = value; }, name, false), { name, label: "Value" });
  if (["text", "list"].includes(type) && !isTrigger(node.value)) suggest(input, ctx.catalogue.doors?.values, { name: node.propertyName ?? "", ...(scope.event !== undefined && { event: scope.event }) });
  return [select(node, ctx, "operator", options, node.operator, "Comparison", set), ...input, type === "text" && caseBox(node, ctx), carried(node, ctx)];
}

// Upper and lower case matter as the house has it (email: not), or as the box says.
function caseBox(node, ctx) {
  if (terms.BARE.has(node.operator) || !node.propertyName) return null;
  const other = node.propertyName === "email";
  const box = h("input", { type: "checkbox", "data-at": `${node._id}:case` });
  box.checked = node.caseSensitive === other;
  box.addEventListener("change", () => ctx.edit(node, () => {
    if (box.checked) node.caseSensitive = other; else delete node.caseSensitive;
  }, "", false));
  return h("label", { class: "check builder-case" }, box, other ? "exact case" : "any case");
}

// In a flow a value may be what the event carried that began it.
function carried(node, ctx) {
  if (!ctx.inFlow || terms.BARE.has(node.operator) || terms.RELATIVE.has(node.operator) || node.operator === "between") return null;
  const on = isTrigger(node.value);
  const turn = () => ctx.edit(node, () => { node.value = on ? "" : { trigger: "" }; }, "", true);
  return h("button", { type: "button", class: "btn btn-quiet btn-sm btn-icon", "data-at": `${node._id}:trigger`, "aria-pressed": String(on), "aria-label": "Value: what the trigger carried", title: "What the trigger carried", onclick: turn }, icon("zap"));
}
