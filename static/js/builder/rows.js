// One row for each kind of condition: elements that read like a sentence. `ctx.edit(node, change, control, draw)` edits.

import { h, icon } from "./dom.js";
import { event, ONCE, timing } from "./event.js";
import { isRaw } from "./model.js";
import { picker, property, select } from "./property.js";
import * as terms from "./terms.js";
import { durationInput, numberInput } from "./values.js";

const soft = (text) => h("span", { class: "soft" }, text);
const slugs = (items = []) => items.map(({ slug, name }) => ({ value: slug, label: name, note: name === slug ? "" : slug }));

function segment(node, ctx) {
  const how = node.for === undefined ? node.membership ?? "now" : "for";
  const turn = (one) => {
    for (const key of ["membership", "for"]) delete node[key];
    if (one === "for") node.for = "7d"; else if (one !== "now") node.membership = one;
    if (one === "for" || one === "now") delete node.window;
  };
  const set = (value) => ctx.edit(node, () => { node.for = value; }, `${node._id}:for`, false);
  return [
    select(node, ctx, "membership", terms.MEMBERSHIPS, how, "Membership", turn),
    picker(node, ctx, { control: "segment", options: slugs(ctx.catalogue.segments), value: node.segment, label: "Segment", placeholder: "Which segment?", set: (slug) => { node.segment = slug; } }),
    ...(how === "for" ? [soft("for at least"), ...durationInput(node.for, set, { name: `${node._id}:for`, label: "For at least" })] : []),
    ...(["entered", "left", "ever"].includes(how) || node.window ? timing(node, ctx) : []),
  ];
}

const list = (node, ctx) => [
  soft("is on the list"),
  picker(node, ctx, { control: "list", options: slugs(ctx.catalogue.lists), value: node.list, label: "List", placeholder: "Which list?", set: (slug) => { node.list = slug; } }),
];

const flow = (node, ctx) => [
  select(node, ctx, "state", terms.STATES, node.state ?? "active", "State", (state) => { node.state = state; }),
  picker(node, ctx, { control: "flow", options: slugs(ctx.catalogue.flows), value: node.flow, label: "Flow", placeholder: "Which flow?", set: (slug) => { node.flow = slug; } }),
];

function reachability(node, ctx) {
  const topics = [["", "about anything"], ...(ctx.catalogue.topics ?? []).map(({ slug, name }) => [slug, `about ${name}`])];
  const about = (slug) => { if (slug) node.topic = slug; else delete node.topic; };
  return [
    soft("can be reached by"),
    select(node, ctx, "channel", terms.CHANNELS, node.channel, "Channel", (channel) => { node.channel = channel; }),
    (topics.length > 1 || node.topic) && select(node, ctx, "topic", topics, node.topic ?? "", "Topic", about),
  ];
}

function sample(node, ctx) {
  const set = (percent) => ctx.edit(node, () => { node.percent = percent; }, `${node._id}:percent`, false);
  const salt = h("input", { type: "text", maxlength: 100, value: node.salt ?? "", "data-at": `${node._id}:salt`, "aria-label": "Name of the sample", autocomplete: "off" });
  salt.addEventListener("input", () => ctx.edit(node, () => { node.salt = salt.value; }, `${node._id}:salt`, false));
  return [...numberInput(node.percent, set, { name: `${node._id}:percent`, label: "Percent" }), soft("percent of contacts, the sample named"), salt];
}

const everyone = () => [h("span", {}, "every contact")];

// What no row can show stays word for word, and is edited as JSON.
const raw = (node, ctx) => [
  soft("This condition is kept as it was written:"), h("code", { class: "badge builder-raw" }, JSON.stringify(node._raw)),
  h("button", { type: "button", class: "btn btn-sm", "data-at": `${node._id}:json`, onclick: () => ctx.json(node._id) }, icon("code"), "Edit as JSON"),
];

const ROWS = { PROPERTY: property, EVENT: event, SEGMENT: segment, LIST: list, FLOW: flow, REACHABILITY: reachability, SAMPLE: sample, EVERYONE: everyone };

export function row(node, ctx, scope) {
  const draw = isRaw(node) ? raw : scope.event === undefined ? ROWS[node.type] : property;
  return draw(node, ctx, scope).flat().filter(Boolean);
}

// A new condition of a kind, as far as it can be filled in by itself.
export function blank(kind, { catalogue }) {
  const only = (items = []) => (items.length === 1 ? items[0].slug : "");
  return {
    PROPERTY: () => ({ type: "PROPERTY", propertyName: "", operator: "=", value: "" }),
    PARAMETER: () => ({ propertyName: "", operator: "=", value: "" }),
    EVENT: () => ({ type: "EVENT", eventName: catalogue.events.length === 1 ? catalogue.events[0].name : "", aggregate: { ...ONCE } }),
    SEGMENT: () => ({ type: "SEGMENT", segment: only(catalogue.segments) }),
    LIST: () => ({ type: "LIST", list: only(catalogue.lists) }),
    FLOW: () => ({ type: "FLOW", flow: only(catalogue.flows), state: "active" }),
    REACHABILITY: () => ({ type: "REACHABILITY", channel: "email" }),
    SAMPLE: () => ({ type: "SAMPLE", percent: 10, salt: "a" }),
    EVERYONE: () => ({ type: "EVERYONE" }),
    GROUP: () => ({ operator: "AND", conditions: [] }),
  }[kind]();
}
