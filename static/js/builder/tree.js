// The document as elements: groups with their switch, rows, and what adds to them. Every group and row carries
// data-id (of its node) and data-path (in the document, as faults name it).

import { startPanel } from "./chooser.js";
import { h, icon, iconButton } from "./dom.js";
import { isNever } from "./event.js";
import { followed } from "./follow.js";
import { isGroup, isRaw, standsBare } from "./model.js";
import { row } from "./rows.js";
import { CONDITIONS } from "./terms.js";

const CONTACT = {};

export function drawTree(ctx) {
  return drawGroup(ctx.model.root, ctx, CONTACT, { path: "", number: "" });
}

function drawGroup(group, ctx, scope, { path, number }) {
  const any = group.operator === "OR";
  const bare = standsBare(group);
  const words = scope.event !== undefined && group === scope.root ? "Event parameters" : number ? `Group ${number}` : ctx.label;
  const items = group.conditions.flatMap((node, index) => {
    const here = bare ? path : `${path ? `${path}.` : ""}conditions[${index}]`;
    const at = { path: here, number: number ? `${number}.${index + 1}` : `${index + 1}` };
    const drawn = isGroup(node) ? drawGroup(node, ctx, scope, at) : drawRow(node, ctx, scope, at);
    return index ? [h("span", { class: "joiner", "aria-hidden": "true" }, any ? "or" : "and"), drawn] : [drawn];
  });
  return h("div", {
    class: `group${group.negate ? " is-negated" : ""}`, role: "group", "aria-label": `${words}: ${group.negate ? "not " : ""}${any ? "at least one of these" : "all of these"}`,
    "data-id": group._id, "data-path": bare ? null : path, "data-operator": any ? "or" : "and",
  }, head(group, ctx, scope, { any, number, words }), h("div", { class: "group-items" }, items), foot(group, ctx, scope));
}

function head(group, ctx, scope, { any, number, words }) {
  const choice = (operator, text, pressed) => h("button", {
    type: "button", "aria-pressed": String(pressed), "data-at": `${group._id}:${operator}`,
    onclick: () => ctx.edit(group, () => { group.operator = operator; }, "", true),
  }, text);
  const loose = number !== "" && group !== scope.root;
  const root = group === ctx.model.root;
  const alone = (root || group === scope.root) && group.conditions.length < 2 && !any && !group.negate;
  if (alone) return null; // nothing to join yet
  return h("div", { class: "group-head" },
    loose && handle(group, ctx, words),
    group.negate && excludeMark(),
    h("div", { class: "segmented", role: "group", "aria-label": "Match" }, choice("AND", "All of these", !any), choice("OR", "At least one of these", any)),
    h("span", { class: "condition-tools push" }, excludeGroup(group, ctx, words), loose && menu(group, ctx, words), loose && remove(group, ctx, words)));
}

function foot(group, ctx, scope) {
  const button = (what, text, onclick) => h("button", { type: "button", class: "btn btn-sm btn-quiet", "data-at": `${group._id}:${what}`, onclick }, icon("plus"), text);
  const nest = ctx.model.roomy(group._id);
  if (scope.event !== undefined) {
    return h("div", { class: "group-foot" }, button("add", "Add event parameter", () => ctx.add(group._id, "PARAMETER")), nest && button("add-GROUP", "Add group", () => ctx.add(group._id, "GROUP")));
  }
  if (group === ctx.model.root && !group.conditions.length) return startPanel(ctx, group._id);
  return h("div", { class: "group-foot" },
    !group.conditions.length && h("p", { class: "soft builder-empty" }, "This group is empty."),
    button("add", "Add condition", () => ctx.choose(group._id)),
    nest && button("add-GROUP", "Add condition group", () => ctx.add(group._id, "GROUP")));
}

const UNKNOWN = { label: "Condition", icon: "code" };

// A row that would look as it does is kept, or each edit would draw hundreds anew. What is known of rows ends with their nodes.
const kept = new WeakMap();

function drawRow(node, ctx, scope, at) {
  const look = JSON.stringify([node, at, scope.event, ctx.held]);
  const before = ctx.inFlow ? undefined : kept.get(node); // a flow's rows name its steps, which come and go
  if (before?.look === look && before.catalogue === ctx.catalogue) return before.drawn;
  const drawn = newRow(node, ctx, scope, at);
  kept.set(node, { look, catalogue: ctx.catalogue, drawn });
  return drawn;
}

function newRow(node, ctx, scope, { path, number }) {
  const parameter = scope.event !== undefined;
  const kind = isRaw(node) ? UNKNOWN : parameter ? { label: "Event parameter", icon: "filter" } : CONDITIONS[node.type];
  const words = `${kind.label} ${number}`;
  const event = node.type === "EVENT" && !parameter && !isRaw(node);
  const filter = (of, at) => h("div", { class: "condition-where" }, drawGroup(of.where, ctx, { event: of.eventName, root: of.where }, { path: `${at}.where`, number }));
  return h("div", {
    class: `condition${node.negate ? " is-negated" : ""}`, role: "group", "aria-label": `${words}${node.negate ? ", excluded" : ""}`, "data-id": node._id, "data-path": path,
  }, h("span", { class: "condition-kind" }, handle(node, ctx, words), icon(kind.icon)),
    h("div", { class: "condition-main" }, node.negate && excludeMark(), ...row(node, ctx, scope), ...(event ? more(node, ctx) : [])),
    h("span", { class: "condition-tools" }, !isRaw(node) && excludeRow(node, ctx, words), menu(node, ctx, words), remove(node, ctx, words)),
    event && node.where && filter(node, path), event && node.followedBy && followed(node, ctx, path, number, filter));
}

// What an event can be asked beyond its row.
function more(node, ctx) {
  const button = (what, text, onclick) => h("button", { type: "button", class: "btn btn-quiet btn-sm builder-more", "data-at": `${node._id}:${what}`, onclick }, icon("plus"), text);
  return [
    !node.where && button("where", "Add event parameter", () => ctx.addWhere(node)),
    !node.followedBy && !isNever(node) && button("follow", "Followed by…", () => ctx.follow(node)),
  ];
}

const excludeMark = () => h("span", { class: "exclude-mark" }, icon("ban"), "not");

const excludeGroup = (group, ctx, words) => {
  const button = exclude(group, ctx, words);
  button.classList.remove("btn-icon");
  button.append("Exclude");
  return button;
};

// Of a condition the word stands beside the sign where there is room.
const excludeRow = (node, ctx, words) => {
  const button = exclude(node, ctx, words);
  button.classList.add("builder-exclude");
  button.append(h("span", {}, "Exclude"));
  return button;
};

const exclude = (node, ctx, words) => iconButton("ban", `Exclude: ${words}`, () => ctx.edit(node, () => {
  if (node.negate) delete node.negate; else node.negate = true;
}, "", true), { "data-at": `${node._id}:exclude`, "aria-pressed": String(Boolean(node.negate)), title: "Exclude (not)" });

const remove = (node, ctx, words) => iconButton("x", `Remove: ${words}`, () => ctx.remove(node._id), { "data-at": `${node._id}:remove`, title: "Remove" });

const menu = (node, ctx, words) => iconButton("ellipsis", `More: ${words}`, (event) => ctx.rowMenu(event.currentTarget, node._id), { "data-at": `${node._id}:menu`, "aria-haspopup": "true", title: "Duplicate, group, edit as JSON" });

// A press with the keyboard takes hold of the row; a drag with the pointer moves it.
const handle = (node, ctx, words) => iconButton("grip-vertical", `Move: ${words}`, (event) => ctx.hold(event, node._id), {
  class: "btn btn-quiet btn-sm btn-icon builder-handle", "data-at": `${node._id}:handle`, "data-handle": true, "aria-pressed": String(ctx.held === node._id),
  "aria-describedby": "builder-moving", title: "Drag to move, or press Enter and the arrow keys",
});
