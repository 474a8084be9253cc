// EVENT: what the contact did, how often or how much, and when; and the timing that segments share with it.

import { h } from "./dom.js";
import { momentInput } from "./moments.js";
import { eventOptions, known, picker, select } from "./property.js";
import { samples } from "./suggest.js";
import * as terms from "./terms.js";
import { durationInput, numberInput, pair, startValue } from "./values.js";

export const ONCE = { function: "count", operator: ">=", value: 1 };
const NEVER = { function: "count", operator: "=", value: 0 };
const counted = (node) => ({ ...ONCE, ...node.aggregate });
const same = (one, two) => ["function", "operator", "value"].every((key) => one[key] === two[key]) && one.propertyName === undefined;
export const isNever = (node) => same(counted(node), NEVER) && node._spelled === undefined;
const isPicked = (node) => node.occurrence === "first" || node.occurrence === "last";

const VERBS = [["did", "did"], ["not", "did not do"], ["first", "did for the first time"], ["last", "did for the last time"]];

export function event(node, ctx) {
  const shown = isPicked(node) ? node.occurrence : isNever(node) ? "not" : "did";
  const never = shown === "not";
  const once = isPicked(node) && same(counted(node), ONCE) && node._spelled === undefined;
  return [
    select(node, ctx, "verb", VERBS, shown, "Did or did not", (verb) => turn(node, verb)),
    picker(node, ctx, { control: "name", options: eventOptions(ctx), value: node.eventName, label: "Event", others: true, placeholder: "Which event?", set: (name) => { node.eventName = name; } }),
    ...(never || once ? [] : measure(node, ctx)),
    ...timing(node, ctx),
  ];
}

function turn(node, verb) {
  const was = isNever(node);
  delete node._spelled;
  if (verb === "first" || verb === "last") node.occurrence = verb; else delete node.occurrence;
  if (verb === "not") node.aggregate = { ...NEVER };
  else if (was || isPicked(node)) node.aggregate = { ...ONCE };
}

// How often, or how much ---------------------------------------------------------------------------------------------------
function measure(node, ctx) {
  const aggregate = counted(node);
  const change = (part) => { node._spelled = true; node.aggregate = { ...counted(node), ...part }; };
  const needs = terms.NEEDS_PROPERTY.has(aggregate.function);
  const refit = (name) => {
    change({ function: name, ...(terms.NEEDS_PROPERTY.has(name) && { propertyName: aggregate.propertyName ?? "" }) });
    if (!terms.NEEDS_PROPERTY.has(name)) delete node.aggregate.propertyName;
  };
  const compare = (operator) => change({ operator, value: startValue("number", operator, aggregate.value) });
  const name = `${node._id}:amount`;
  const noun = h("span", { class: "soft" });
  const count = (value) => { noun.textContent = aggregate.function === "days" ? (value === 1 ? "day" : "days") : value === 1 ? "time" : "times"; };
  const set = (value) => { count(value); if (value !== counted(node).value) ctx.edit(node, () => change({ value }), name, false); };
  const amount = (aggregate.operator === "between" ? pair.bind(null, numberInput) : numberInput)(aggregate.value, set, { name, label: "Amount" });
  count(aggregate.value);
  return [
    select(node, ctx, "function", terms.AGGREGATES, aggregate.function, "Measure", refit),
    needs && picker(node, ctx, { control: "of", options: measured(node, aggregate, ctx), value: aggregate.propertyName, label: "Of which parameter", others: true, placeholder: "Which parameter?", samples: () => samples(ctx.catalogue.doors?.samples, { event: node.eventName }), set: (propertyName) => change({ propertyName }) }),
    select(node, ctx, "compare", terms.COMPARISONS, aggregate.operator, "Comparison", compare),
    ...amount,
    !needs && noun,
  ];
}

function measured(node, aggregate, ctx) {
  const all = known(ctx, { event: node.eventName });
  const fitting = terms.NUMERIC.has(aggregate.function) ? all.filter(({ type }) => type === "number") : all;
  return fitting.map(({ name, type }) => ({ value: name, label: name, note: terms.TYPE_LABELS[type] ?? type }));
}

// When ---------------------------------------------------------------------------------------------------------------------
const START = { last: "30d", beforeLast: "90d", after: "", before: "" };
const FORMS = ["last", "beforeLast", "from", "after", "before", "since"];

export function timing(node, ctx) {
  const window = node.window ?? {};
  const form = FORMS.find((one) => one in window) ?? "ever";
  const shown = form === "since" ? `since:${window.since}` : form;
  const set = (chosen) => {
    if (chosen === "ever") delete node.window;
    else if (chosen.startsWith("since:")) node.window = { since: chosen.slice("since:".length) };
    else node.window = chosen === "from" ? { from: "", to: "" } : { [chosen]: START[chosen] };
  };
  return [select(node, ctx, "window", [...terms.WINDOWS, ...sinces(ctx, window.since)], shown, "When", set), ...span(node, form, ctx)];
}

// In a flow: since entering it, or since one of its steps; what is named and no longer there is shown by its id.
function sinces(ctx, now) {
  const steps = ctx.inFlow ? [...document.querySelectorAll("#board .node-card[data-node]:not([data-group=trigger])")] : [];
  const found = [...(ctx.inFlow ? [["entry", "since entering the flow"]] : []), ...steps.map((one) => [`node:${one.dataset.node}`, `since the step “${one.dataset.title}”`])];
  if (now && !found.some(([value]) => value === now)) found.push([now, now === "entry" ? "since entering the flow" : `since the step ${now.replace("node:", "")}`]);
  return found.map(([value, words]) => [`since:${value}`, words]);
}

function span(node, form, ctx) {
  const name = `${node._id}:window-value`;
  const set = (part) => (value) => ctx.edit(node, () => { node.window = { ...node.window, [part]: value }; }, name + part, false);
  if (form === "last" || form === "beforeLast") return durationInput(node.window[form], set(form), { name, label: "Length of time" });
  if (form === "after" || form === "before") return momentInput(node.window[form], set(form), { name, label: "Instant" });
  if (form !== "from") return [];
  return [...momentInput(node.window.from, set("from"), { name: `${name}-from`, label: "From" }), h("span", { class: "soft" }, "to"), ...momentInput(node.window.to, set("to"), { name: `${name}-to`, label: "To" })];
}
