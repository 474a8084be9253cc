// The document as elements: groups with their switch, rows, and what adds to them. Every group and row carries
// data-id (of its node) and data-path (in the document, as faults name it).

import { h, icon, iconButton } from "./dom.js";
import { followed } from "./follow.js";
import { isGroup } from "./model.js";
import { row } from "./rows.js";
import { CONDITIONS } from "./terms.js";

const CONTACT = {};

export function drawTree(ctx) {
  return drawGroup(ctx.model.root, ctx, CONTACT, { path: "", number: "" });
}

function drawGroup(group, ctx, scope, { path, number }) {
  const any = String(group.operator).toUpperCase() === "OR";
  const words = scope.event !== undefined && group === scope.root ? "Event parameters" : number ? `Group ${number}` : ctx.label;
  const items = group.conditions.flatMap((node, index) => {
    const at = { path: `${path ? `${path}.` : ""}conditions[${index}]`, number: number ? `${number}.${index + 1}` : `${index + 1}` };
    const drawn = isGroup(node) ? drawGroup(node, ctx, scope, at) : drawRow(node, ctx, scope, at);
    return index ? [h("span", { class: "joiner", "aria-hidden": "true" }, any ? "or" : "and"), drawn] : [drawn];
  });
  return h("div", {
    class: `group${group.negate ? " is-negated" : ""}`, role: "group", "aria-label": `${words}: ${group.negate ? "not " : ""}${any ? "at least one of these" : "all of these"}`,
    "data-id": group._id, "data-path": path, "data-operator": any ? "or" : "and",
  }, head(group, ctx, scope, { any, number, words }), h("div", { class: "group-items" }, items), foot(group, ctx, scope));
}

function head(group, ctx, scope, { any, number, words }) {
  const choice = (operator, text, pressed) => h("button", {
    type: "button", "aria-pressed": String(pressed), "data-at": `${group._id}:${operator}`,
    onclick: () => ctx.edit(group, () => { group.operator = operator; }, "", true),
  }, text);
  const loose = number !== "" && group !== scope.root;
  return h("div", { class: "group-head" },
    loose && handle(group, ctx, words),
    group.negate && excludeMark(),
    h("div", { class: "segmented", role: "group", "aria-label": "Match" }, choice("AND", "All of these", !any), choice("OR", "At least one of these", any)),
    h("span", { class: "condition-tools push" }, excludeGroup(group, ctx, words), loose && remove(group, ctx, words)));
}

function foot(group, ctx, scope) {
  const add = (kind, text, name, attributes = {}) => h("button", { type: "button", class: "btn btn-sm btn-quiet", "data-at": `${group._id}:add-${kind}`, onclick: () => ctx.add(group._id, kind), ...attributes }, icon(name), text);
  if (scope.event !== undefined) return h("div", { class: "group-foot" }, add("PARAMETER", "Add event parameter", "plus"), add("GROUP", "Add group", "plus"));
  if (!group.conditions.length) {
    const kinds = Object.entries(CONDITIONS).map(([kind, { label, icon: name, hint }]) => add(kind, label, name, { class: "btn btn-sm", title: hint }));
    return h("div", { class: "group-foot builder-start" }, h("p", { class: "soft" }, group === ctx.model.root ? "Begin with a condition:" : "This group is empty. Add a condition:"), h("div", { class: "row" }, kinds));
  }
  const menu = h("button", { type: "button", class: "btn btn-sm btn-quiet", "aria-haspopup": "true", "data-at": `${group._id}:add`, onclick: (event) => ctx.addMenu(event.currentTarget, group._id) }, icon("plus"), "Add condition");
  return h("div", { class: "group-foot" }, menu, add("GROUP", "Add condition group", "plus"));
}

function drawRow(node, ctx, scope, { path, number }) {
  const parameter = scope.event !== undefined;
  const kind = parameter ? { label: "Event parameter", icon: "filter" } : CONDITIONS[node.type] ?? { label: node.type, icon: "circle-dot" };
  const words = `${kind.label} ${number}`;
  return h("div", {
    class: `condition${node.negate ? " is-negated" : ""}`, role: "group", "aria-label": `${words}${node.negate ? ", excluded" : ""}`, "data-id": node._id, "data-path": path,
  }, h("span", { class: "condition-kind" }, handle(node, ctx, words), icon(kind.icon)),
    h("div", { class: "condition-main" }, node.negate && excludeMark(), ...row(node, ctx, scope), ...(node.type === "EVENT" && !parameter ? more(node, ctx) : [])),
    h("span", { class: "condition-tools" }, exclude(node, ctx, words), remove(node, ctx, words)),
    node.where && where(node, ctx, path, number), node.followedBy && followed(node, ctx, path, number));
}

// What an event can be asked beyond its row.
function more(node, ctx) {
  const button = (what, text, onclick) => h("button", { type: "button", class: "btn btn-quiet btn-sm builder-more", "data-at": `${node._id}:${what}`, onclick }, icon("plus"), text);
  const follow = () => ctx.edit(node, () => { node.followedBy = { _id: `${node._id}f`, eventName: "" }; }, "", true);
  return [
    !node.where && button("where", "Add event parameter", () => ctx.addWhere(node)),
    !node.followedBy && !isNever(node) && button("follow", "Followed by…", follow),
  ];
}

const isNever = ({ aggregate }) => aggregate?.function === "count" && aggregate.operator === "=" && aggregate.value === 0;

function where(node, ctx, path, number) {
  const scope = { event: node.eventName, root: node.where };
  return h("div", { class: "condition-where" }, drawGroup(node.where, ctx, scope, { path: `${path}.where`, number: `${number}.where` }));
}

const excludeMark = () => h("span", { class: "exclude-mark" }, icon("ban"), "not");

const excludeGroup = (group, ctx, words) => {
  const button = exclude(group, ctx, words);
  button.classList.remove("btn-icon");
  button.append("Exclude");
  return button;
};

const exclude = (node, ctx, words) => iconButton("ban", `Exclude: ${words}`, () => ctx.edit(node, () => {
  if (node.negate) delete node.negate; else node.negate = true;
}, "", true), { "data-at": `${node._id}:exclude`, "aria-pressed": String(Boolean(node.negate)), title: "Exclude (not)" });

const remove = (node, ctx, words) => iconButton("x", `Remove: ${words}`, () => ctx.remove(node._id), { "data-at": `${node._id}:remove`, title: "Remove" });

const handle = (node, ctx, words) => iconButton("grip-vertical", `Move, duplicate: ${words}`, (event) => ctx.rowMenu(event.currentTarget, node._id), {
  class: "btn btn-quiet btn-sm btn-icon builder-handle", "data-at": `${node._id}:handle`, "data-handle": true, "aria-haspopup": "true", "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown", title: "Drag, or press for more (Alt+↑, Alt+↓)",
});
