// "… followed by another event", below an event's row: which, how soon after, about the same thing, and with which parameters.

import { h, icon, iconButton } from "./dom.js";
import { eventOptions, known, picker, select } from "./property.js";
import { durationInput } from "./values.js";

const LENGTHS = [["s", "seconds"], ["m", "minutes"], ["h", "hours"], ["d", "days"], ["w", "weeks"]];

export function followed(node, ctx, path, number, where) {
  const next = node.followedBy;
  const drop = () => ctx.edit(node, () => { delete node.followedBy; }, "", true);
  const parameters = h("button", { type: "button", class: "btn btn-quiet btn-sm builder-more", "data-at": `${next._id}:where`, onclick: () => ctx.addWhere(next) }, icon("plus"), "Add event parameter");
  return h("div", { class: "condition-where" }, h("div", {
    class: "condition condition-follow", role: "group", "aria-label": `Followed by, of event ${number}`, "data-id": next._id, "data-path": `${path}.followedBy`,
  }, h("div", { class: "condition-main" },
    verb(next, ctx),
    picker(next, ctx, { control: "name", options: eventOptions(ctx), value: next.eventName, label: "Following event", others: true, placeholder: "Which event?", set: (name) => { next.eventName = name; } }),
    ...soon(next, ctx), sameThing(node, next, ctx), !next.where && parameters),
  h("span", { class: "condition-tools" }, iconButton("x", "Remove: followed by", drop, { "data-at": `${next._id}:remove`, title: "Remove" })),
  next.where && where(next, `${path}.followedBy`)));
}

const verb = (next, ctx) => select(next, ctx, "verb", [["yes", "followed by"], ["no", "not followed by"]], next.negate ? "no" : "yes", "Followed or not", (value) => {
  if (value === "no") next.negate = true; else delete next.negate;
});

function soon(next, ctx) {
  const how = select(next, ctx, "how", [["ever", "at any time after"], ["within", "within"]], next.within === undefined ? "ever" : "within", "How soon after", (value) => {
    if (value === "within") next.within = "24h"; else delete next.within;
  });
  const set = (value) => ctx.edit(next, () => { next.within = value; }, `${next._id}:within`, false);
  return next.within === undefined ? [how] : [how, ...durationInput(next.within, set, { name: `${next._id}:within`, label: "Within", units: LENGTHS })];
}

function sameThing(node, next, ctx) {
  const options = [["", "about anything"], ...known(ctx, { event: node.eventName }).map(({ name }) => [name, `with the same ${name}`])];
  if (next.sameProperty && !options.some(([name]) => name === next.sameProperty)) options.push([next.sameProperty, `with the same ${next.sameProperty}`]);
  return select(next, ctx, "same", options, next.sameProperty ?? "", "About the same thing", (name) => {
    if (name) next.sameProperty = name; else delete next.sameProperty;
  });
}
