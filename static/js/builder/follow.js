// "… followed by another event", below an event's row: which, how soon after, about the same thing.

import { choose, h, iconButton } from "./dom.js";
import { picker } from "./rows.js";
import { durationInput } from "./values.js";

export function followed(node, ctx, path, number) {
  const next = node.followedBy;
  next._id ??= `${node._id}f`;
  const options = ctx.catalogue.events.map(({ name, count }) => [name, `${name} · ${count.toLocaleString()}`]);
  const drop = () => ctx.edit(node, () => { delete node.followedBy; }, "", true);
  return h("div", { class: "condition-where" }, h("div", {
    class: "condition condition-follow", role: "group", "aria-label": `Followed by, of event ${number}`, "data-id": next._id, "data-path": `${path}.followedBy`,
  }, h("div", { class: "condition-main" },
    verb(next, ctx),
    picker(next, ctx, { control: "name", options, value: next.eventName, label: "Following event", other: "Another event…", set: (name) => { next.eventName = name; } }),
    ...soon(next, ctx), same(node, next, ctx), next.where && h("span", { class: "badge" }, "with parameters")),
  h("span", { class: "condition-tools" }, iconButton("x", "Remove: followed by", drop, { "data-at": `${next._id}:remove`, title: "Remove" }))));
}

function plainSelect(next, ctx, control, options, value, label, set) {
  const select = choose(options, value, { "data-at": `${next._id}:${control}`, "aria-label": label });
  select.addEventListener("change", () => ctx.edit(next, () => set(select.value), "", true));
  return select;
}

const verb = (next, ctx) => plainSelect(next, ctx, "verb", [["yes", "followed by"], ["no", "not followed by"]], next.negate ? "no" : "yes", "Followed or not", (value) => {
  if (value === "no") next.negate = true; else delete next.negate;
});

function soon(next, ctx) {
  const how = plainSelect(next, ctx, "how", [["ever", "at any time after"], ["within", "within"]], next.within === undefined ? "ever" : "within", "How soon after", (value) => {
    if (value === "within") next.within = "24h"; else delete next.within;
  });
  const set = (value) => ctx.edit(next, () => { next.within = value; }, `${next._id}:within`, false);
  return next.within === undefined ? [how] : [how, ...durationInput(next.within, set, { name: `${next._id}:within`, label: "Within" })];
}

function same(node, next, ctx) {
  const known = ctx.catalogue.events.find(({ name }) => name === node.eventName)?.properties ?? [];
  const options = [["", "about anything"], ...known.map(({ name }) => [name, `with the same ${name}`])];
  return plainSelect(next, ctx, "same", options, next.sameProperty ?? "", "About the same thing", (name) => {
    if (name) next.sameProperty = name; else delete next.sameProperty;
  });
}
