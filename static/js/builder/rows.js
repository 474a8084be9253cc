// One row for each kind of condition: elements that read like a sentence. `ctx.edit(node, change, control, draw)` edits.

import { choose, h } from "./dom.js";
import * as terms from "./terms.js";
import { durationInput, instantInput, numberInput, pair, startValue, valueInput } from "./values.js";

const OTHER = "\u0000other";
const OWN = "customProperties.";

// A select of what is known, which turns into a text input for "Another …".
export function picker(node, ctx, { control, options, value, label, other, set }) {
  const at = `${node._id}:${control}`;
  if (node._free === control) {
    const input = h("input", { type: "text", value: value ?? "", maxlength: 200, "data-at": at, "aria-label": `${label}: name`, placeholder: "Name", autocomplete: "off", spellcheck: "false" });
    input.addEventListener("input", () => ctx.edit(node, () => set(input.value.trim()), at, false));
    input.addEventListener("change", () => ctx.edit(node, () => { delete node._free; }, at, true));
    return input;
  }
  const select = choose(other ? [...options, [OTHER, other]] : options, value ?? "", { "data-at": at, "aria-label": label });
  select.addEventListener("change", () => ctx.edit(node, () => {
    if (select.value === OTHER) { node._free = control; set(""); } else set(select.value);
  }, "", true));
  return select;
}

const select = (node, ctx, control, options, value, label, set) => picker(node, ctx, { control, options, value, label, set });

// PROPERTY, and the same about an event's own properties ----------------------------------------------------------------
function known(ctx, scope) {
  return scope.event === undefined ? ctx.catalogue.attributes : ctx.catalogue.events.find(({ name }) => name === scope.event)?.properties ?? [];
}

const IMPLIED = { contains_any: "list", contains_all: "list", contains_none: "list", in_last: "datetime", not_in_last: "datetime", in_next: "datetime", before: "datetime", after: "datetime", on: "datetime", anniversary_in_next: "date", anniversary_in_last: "date" };

// The type of a property that nobody declared: what its operator, else its value, speaks of.
function implied({ operator, value }) {
  return IMPLIED[operator] ?? guess(value);
}

function guess(value) {
  if (Array.isArray(value)) return guess(value[0]);
  return typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "text";
}

export function typeOf(node, ctx, scope) {
  return known(ctx, scope).find(({ name }) => name === node.propertyName)?.type ?? node._type ?? implied(node);
}

function offered(ctx, scope) {
  const all = known(ctx, scope);
  if (scope.event !== undefined) return all.map(({ name, type }) => [name, `${name} · ${terms.TYPE_LABELS[type] ?? type}`]);
  const pairs = (group) => all.filter((one) => one.group === group).map(({ name, label, type }) => [name, `${label} · ${terms.TYPE_LABELS[type] ?? type}`]);
  return [{ label: "Standard", options: pairs("standard") }, { label: "Own", options: pairs("own") }];
}

function property(node, ctx, scope) {
  const event = scope.event !== undefined;
  const rename = (name) => {
    const standard = known(ctx, scope).some((one) => one.name === name);
    node.propertyName = event || standard || !name || name.startsWith(OWN) ? name : OWN + name;
    retype(node, ctx, scope);
  };
  const unknown = node.propertyName && !known(ctx, scope).some(({ name }) => name === node.propertyName);
  const type = typeOf(node, ctx, scope);
  return [
    picker(node, ctx, { control: "name", options: offered(ctx, scope), value: node.propertyName, label: event ? "Event parameter" : "Attribute", other: event ? "Another parameter…" : "Another attribute…", set: rename }),
    unknown && select(node, ctx, "type", terms.TYPES.map((one) => [one, terms.TYPE_LABELS[one]]), type, "Type", (one) => { node._type = one; retype(node, ctx, scope); }),
    ...comparison(node, ctx, type),
  ];
}

function retype(node, ctx, scope) {
  const type = typeOf(node, ctx, scope);
  const allowed = ctx.catalogue.operators[type] ?? [];
  if (!allowed.includes(node.operator)) node.operator = type === "list" ? "contains_any" : allowed.find((one) => one === "=") ?? allowed[0];
  setValue(node, startValue(type, node.operator, node.value), type);
}

function setValue(node, value, type) {
  if (type !== "text" || terms.BARE.has(node.operator)) delete node.caseSensitive;
  if (value === undefined && terms.BARE.has(node.operator)) delete node.value;
  else node.value = value;
}

function comparison(node, ctx, type) {
  const options = (ctx.catalogue.operators[type] ?? []).map((one) => [one, terms.operatorLabel(type, one)]);
  const set = (operator) => { node.operator = operator; setValue(node, startValue(type, operator, node.value), type); };
  const name = `${node._id}:value`;
  const input = valueInput(type, node.operator, node.value, (value) => ctx.edit(node, () => { node.value = value; }, name, false), { name, label: "Value" });
  return [select(node, ctx, "operator", options, node.operator, "Comparison", set), ...input, type === "text" && caseBox(node, ctx)];
}

function caseBox(node, ctx) {
  if (terms.BARE.has(node.operator) || !node.propertyName || node.propertyName === "email") return null;
  const box = h("input", { type: "checkbox", "data-at": `${node._id}:case` });
  box.checked = node.caseSensitive === false;
  box.addEventListener("change", () => ctx.edit(node, () => {
    if (box.checked) node.caseSensitive = false; else delete node.caseSensitive;
  }, "", false));
  return h("label", { class: "check builder-case" }, box, "any case");
}

// EVENT -----------------------------------------------------------------------------------------------------------------
const ONCE = { function: "count", operator: ">=", value: 1 };
const NEVER = { function: "count", operator: "=", value: 0 };
const isNever = ({ function: name, operator, value }) => name === "count" && operator === "=" && value === 0;

function event(node, ctx) {
  const aggregate = node.aggregate ?? ONCE;
  const options = ctx.catalogue.events.map(({ name, count }) => [name, count === null ? name : `${name} · ${count.toLocaleString()}`]);
  const verb = (value) => { delete node._spelled; node.aggregate = value === "did" ? { ...ONCE } : { ...NEVER }; };
  const never = isNever(aggregate) && node._spelled === undefined;
  return [
    select(node, ctx, "verb", [["did", "did"], ["not", "did not do"]], never ? "not" : "did", "Did or did not", verb),
    picker(node, ctx, { control: "name", options, value: node.eventName, label: "Event", other: "Another event…", set: (name) => { node.eventName = name; } }),
    ...(never ? [] : measure(node, aggregate, ctx)),
    ...timing(node, ctx),
    ...extras(node),
  ];
}

function measure(node, aggregate, ctx) {
  const change = (part) => { node._spelled = true; node.aggregate = { ...aggregate, ...part }; };
  const needs = terms.NEEDS_PROPERTY.has(aggregate.function);
  const refit = (name) => {
    change({ function: name });
    if (!terms.NEEDS_PROPERTY.has(name)) delete node.aggregate.propertyName;
  };
  const compare = (operator) => change({ operator, value: startValue("number", operator, aggregate.value) });
  return [
    select(node, ctx, "function", terms.AGGREGATES, aggregate.function, "Measure", refit),
    needs && picker(node, ctx, { control: "of", options: measured(node, aggregate, ctx), value: aggregate.propertyName, label: "Of which parameter", other: "Another parameter…", set: (name) => change({ propertyName: name }) }),
    select(node, ctx, "compare", terms.COMPARISONS, aggregate.operator, "Comparison", compare),
    ...amount(node, ctx),
    !needs && h("span", { class: "soft" }, aggregate.function === "days" ? "days" : "times"),
  ];
}

function measured(node, aggregate, ctx) {
  const all = known(ctx, { event: node.eventName });
  const fitting = terms.NUMERIC.has(aggregate.function) ? all.filter(({ type }) => type === "number") : all;
  return fitting.map(({ name }) => [name, name]);
}

function amount(node, ctx) {
  const aggregate = node.aggregate ?? ONCE;
  const name = `${node._id}:amount`;
  const set = (value) => ctx.edit(node, () => { node._spelled = true; node.aggregate = { ...(node.aggregate ?? ONCE), value }; }, name, false);
  const options = { name, label: "Amount" };
  return aggregate.operator === "between" ? pair(numberInput, aggregate.value, set, options) : numberInput(aggregate.value, set, options);
}

const START = { last: "30d", beforeLast: "90d", from: "", after: "", before: "", since: "entry" };

function timing(node, ctx) {
  const current = node.window ?? {};
  const kind = ["last", "beforeLast", "from", "after", "before", "since"].find((one) => one in current) ?? (node.window ? "from" : "ever");
  const put = (value) => { node.window = value; };
  const since = kind === "since" ? [["since", current.since && current.since !== "entry" ? `since ${current.since}` : "since entering the flow"]] : [];
  const set = (chosen) => {
    if (chosen === "ever") delete node.window;
    else put(chosen === "from" ? { from: "", to: "" } : { [chosen]: START[chosen] });
  };
  return [select(node, ctx, "window", [...terms.WINDOWS, ...since], kind, "When", set), ...span(node, kind, ctx)];
}

function span(node, kind, ctx) {
  const name = `${node._id}:window-value`;
  const set = (part) => (value) => ctx.edit(node, () => { node.window = { ...node.window, [part]: value }; }, name + part, false);
  if (kind === "last" || kind === "beforeLast") return durationInput(node.window[kind], set(kind), { name, label: "Length of time" });
  if (kind === "after" || kind === "before") return instantInput(node.window[kind], set(kind), { name, label: "Instant" });
  if (kind !== "from") return [];
  return [...instantInput(node.window.from, set("from"), { name: `${name}-from`, label: "From" }), h("span", { class: "soft" }, "to"), ...instantInput(node.window.to, set("to"), { name: `${name}-to`, label: "To" })];
}

// What other programs may have written and this form does not edit stays in the document and is shown.
function extras(node) {
  const once = node.occurrence && node.occurrence !== "any";
  return once ? [h("span", { class: "badge" }, `the ${node.occurrence} one only`)] : [];
}

// SEGMENT, LIST, EVERYONE, and kinds that this form does not know ----------------------------------------------------------
function segment(node, ctx) {
  const options = ctx.catalogue.segments.map(({ slug, name }) => [slug, name]);
  const membership = (one) => {
    for (const key of ["membership", "for", "window"]) delete node[key];
    if (one === "for") node.for = "7d";
    else if (one !== "now") node.membership = one;
  };
  const how = node.for === undefined ? node.membership ?? "now" : "for";
  const set = (value) => ctx.edit(node, () => { node.for = value; }, `${node._id}:for`, false);
  return [
    select(node, ctx, "membership", terms.MEMBERSHIPS, how, "Membership", membership),
    select(node, ctx, "segment", options, node.segment, "Segment", (slug) => { node.segment = slug; }),
    ...(how === "for" ? [h("span", { class: "soft" }, "for at least"), ...durationInput(node.for, set, { name: `${node._id}:for`, label: "For at least" })] : []),
    ...(how === "entered" || how === "left" ? timing(node, ctx) : []),
  ];
}

function reachability(node, ctx) {
  const topics = [["", "about anything"], ...(ctx.catalogue.topics ?? []).map(({ slug, name }) => [slug, `about ${name}`])];
  const about = (slug) => { if (slug) node.topic = slug; else delete node.topic; };
  return [
    h("span", { class: "soft" }, "can be reached by"),
    select(node, ctx, "channel", terms.CHANNELS, node.channel, "Channel", (channel) => { node.channel = channel; }),
    topics.length > 1 && select(node, ctx, "topic", topics, node.topic ?? "", "Topic", about),
  ];
}

function sample(node, ctx) {
  const set = (percent) => ctx.edit(node, () => { node.percent = percent; }, `${node._id}:percent`, false);
  const salt = h("input", { type: "text", maxlength: 100, value: node.salt ?? "", "data-at": `${node._id}:salt`, "aria-label": "Name of the sample", autocomplete: "off" });
  salt.addEventListener("input", () => ctx.edit(node, () => { node.salt = salt.value; }, `${node._id}:salt`, false));
  return [...numberInput(node.percent, set, { name: `${node._id}:percent`, label: "Percent" }), h("span", { class: "soft" }, "percent of contacts, the sample named"), salt];
}

const list = (node, ctx) => [
  h("span", { class: "soft" }, "is on the list"),
  select(node, ctx, "list", ctx.catalogue.lists.map(({ slug, name }) => [slug, name]), node.list, "List", (slug) => { node.list = slug; }),
];

const everyone = () => [h("span", {}, "every contact")];
const other = (node) => [h("span", {}, node.type ?? "Condition"), h("code", { class: "badge truncate" }, JSON.stringify(node, (key, value) => (key.startsWith("_") ? undefined : value)))];

export const ROWS = { PROPERTY: property, EVENT: event, SEGMENT: segment, LIST: list, REACHABILITY: reachability, SAMPLE: sample, EVERYONE: everyone };
export const row = (node, ctx, scope) => (ROWS[scope.event === undefined ? node.type : "PROPERTY"] ?? other)(node, ctx, scope).flat().filter(Boolean);

// A new condition of a kind, as far as it can be filled in by itself.
export function blank(kind, ctx) {
  const first = (items) => (items.length === 1 ? items[0].slug : "");
  return {
    PROPERTY: () => ({ type: "PROPERTY", propertyName: "", operator: "=", value: "" }),
    PARAMETER: () => ({ propertyName: "", operator: "=", value: "" }),
    EVENT: () => ({ type: "EVENT", eventName: ctx.catalogue.events.length === 1 ? ctx.catalogue.events[0].name : "", aggregate: { ...ONCE } }),
    SEGMENT: () => ({ type: "SEGMENT", segment: first(ctx.catalogue.segments) }),
    LIST: () => ({ type: "LIST", list: first(ctx.catalogue.lists) }),
    REACHABILITY: () => ({ type: "REACHABILITY", channel: "email" }),
    SAMPLE: () => ({ type: "SAMPLE", percent: 10, salt: "a" }),
    EVERYONE: () => ({ type: "EVERYONE" }),
    GROUP: () => ({ operator: "AND", conditions: [] }),
  }[kind]();
}
