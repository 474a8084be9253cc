// "Add condition": what there is to add, in three tabs, and found by typing. The same panel stands in an empty builder.

import { h, icon } from "./dom.js";
import { dialog } from "./dialogs.js";
import { blank } from "./rows.js";
import { CONDITIONS } from "./terms.js";

const TABS = ["Standard", "Segments & contacts", "Predefined scenarios"];
const FEW = 6; // names shown without a search
const MOST = 40; // names shown for a search
let last = 0;

// What there is -------------------------------------------------------------------------------------------------------------
const kind = (ctx, name, tab, group) => ({ tab, group, ...CONDITIONS[name], make: () => blank(name, ctx) });
const presetsOf = (ctx, group) => (ctx.catalogue.standard ?? []).filter((one) => one.group === group).map(({ criteria, ...one }) => ({ tab: 0, ...one, make: () => structuredClone(criteria) }));

function standard(ctx) {
  const topics = (ctx.catalogue.topics ?? []).length > 0;
  return [
    ...presetsOf(ctx, "Purchases"), ...presetsOf(ctx, "Browsing"),
    kind(ctx, "PROPERTY", 0, "Attributes"), ...presetsOf(ctx, "Attributes"),
    kind(ctx, "EVENT", 0, "Events"), ...presetsOf(ctx, "Events"),
    ...presetsOf(ctx, "Reachability"), ...(topics ? [kind(ctx, "REACHABILITY", 0, "Reachability")] : []),
  ];
}

function contacts(ctx) {
  const kinds = ["SEGMENT", "LIST", ...(ctx.catalogue.flows ? ["FLOW"] : []), "SAMPLE", "EVERYONE"];
  return [...kinds.map((name) => kind(ctx, name, 1, "Who they are among")), ...named(ctx, "segments", FEW), ...named(ctx, "lists", FEW)];
}

const SETS = { segments: ["layers", "Segments", (slug) => ({ type: "SEGMENT", segment: slug })], lists: ["list", "Lists", (slug) => ({ type: "LIST", list: slug })], flows: ["workflow", "Flows", (slug) => ({ type: "FLOW", flow: slug, state: "active" })] };

function named(ctx, set, most) {
  const [name, group, make] = SETS[set];
  return (ctx.catalogue[set] ?? []).slice(0, most).map((one) => ({ tab: 1, group, icon: name, label: one.name, hint: "", make: () => make(one.slug) }));
}

const scenarios = (ctx) => (ctx.catalogue.scenarios ?? []).map((one) => ({ tab: 2, icon: one.group === "Personas" ? "users" : "sparkles", ...one, scenario: one }));

// Names that only a search shows.
function found(ctx) {
  const property = ({ name, label, type }) => ({ tab: 0, group: "Attributes", icon: "tag", label, hint: type, make: () => ({ ...blank("PROPERTY", ctx), propertyName: name, ...start(type) }) });
  const event = ({ name, count }) => ({ tab: 0, group: "Events", icon: "zap", label: name, hint: count === null ? "" : count.toLocaleString(), make: () => ({ ...blank("EVENT", ctx), eventName: name }) });
  return [...ctx.catalogue.events.map(event), ...ctx.catalogue.attributes.map(property), ...["segments", "lists", "flows"].flatMap((set) => named(ctx, set, Infinity))];
}

const START = { boolean: { operator: "=", value: true }, date: { operator: "in_last", value: "30d" }, datetime: { operator: "in_last", value: "30d" }, list: { operator: "contains_any", value: [] } };
const start = (type) => START[type] ?? { operator: "=", value: "" };

// The panel -----------------------------------------------------------------------------------------------------------------
export function panel(ctx, pick) {
  const id = `chooser-${++last}`;
  const all = [...standard(ctx), ...contacts(ctx), ...scenarios(ctx)];
  const panels = TABS.map((label, tab) => h("div", { role: "tabpanel", id: `${id}-${tab}`, "aria-labelledby": `${id}-tab-${tab}`, hidden: tab > 0 }, sections(all.filter((one) => one.tab === tab), pick)));
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Conditions", "data-tabs": true }, TABS.map((label, tab) =>
    h("button", { type: "button", class: "tab", role: "tab", id: `${id}-tab-${tab}`, "aria-controls": `${id}-${tab}`, "aria-selected": String(tab === 0), tabindex: tab ? -1 : 0 }, label)));
  const results = h("div", { class: "builder-results", hidden: true, "aria-label": "Found", role: "region" });
  const input = h("input", { type: "search", "aria-label": "Search conditions", placeholder: "Search events, attributes, segments…", autocomplete: "off", "data-at": "chooser" });
  const search = () => {
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (one) => { const text = `${one.label} ${one.hint ?? ""} ${one.group}`.toLowerCase(); return words.every((word) => text.includes(word)); };
    const hits = words.length ? [...all, ...found(ctx)].filter(fits) : [];
    const unique = hits.filter((one, index) => hits.findIndex((other) => other.label === one.label && other.group === one.group) === index).slice(0, MOST);
    results.replaceChildren(unique.length ? h("div", {}, ...sections(unique, pick)) : h("p", { class: "soft" }, "Nothing of that name. Add “Event” or “Attribute” to name one that has not been seen yet."));
    results.hidden = !words.length;
    tabs.hidden = words.length > 0;
    panels.forEach((one, tab) => { one.hidden = words.length > 0 || tabs.children[tab].getAttribute("aria-selected") !== "true"; });
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    results.querySelector("button")?.click();
  });
  return h("div", { class: "builder-chooser" }, h("label", { class: "search" }, icon("search"), input), tabs, ...panels, results);
}

function sections(items, pick) {
  return [...new Set(items.map((one) => one.group))].map((group) => h("div", { class: "builder-section", role: "group", "aria-label": group },
    h("h3", {}, group), h("div", { class: "builder-options" }, items.filter((one) => one.group === group).map((one) => option(one, pick)))));
}

const option = (one, pick) => {
  const id = `choice-${++last}`;
  return h("div", { class: "builder-option" }, icon(one.icon), h("div", { class: "builder-option-text" },
    h("button", { type: "button", "aria-describedby": one.hint ? id : undefined, onclick: () => pick(one) }, one.label), one.hint && h("small", { id }, one.hint)));
};

// Where it stands -----------------------------------------------------------------------------------------------------------
export function startPanel(ctx, groupId) {
  return h("div", { class: "builder-start" }, h("p", { class: "soft" }, "Begin with a condition:"), panel(ctx, (one) => ctx.insert(groupId, one)));
}

export function openChooser(ctx, groupId) {
  const opened = dialog({ host: ctx.host, title: "Add condition", large: true, body: panel(ctx, (one) => { opened.close(); ctx.insert(groupId, one); }) });
  opened.element.querySelector("input[type=search]").focus();
}
