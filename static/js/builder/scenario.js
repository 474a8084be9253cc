// A predefined scenario: its few numbers are filled in, whom it finds is said at once, and its document goes in as a group.

import { ask } from "./asking.js";
import { dialog } from "./dialogs.js";
import { choose, h } from "./dom.js";
import { durationInput } from "./values.js";

const PAUSE = 300;

export function openScenario(ctx, scenario, insert) {
  const said = Object.fromEntries(scenario.parameters.map((one) => [one.name, one.default]));
  const found = h("p", { class: "builder-words", role: "status" });
  let request;
  let timer;
  let filled;
  const faults = new Map();
  const look = async () => {
    request?.abort();
    request = new AbortController();
    const { signal } = request;
    filled = ask(ctx.catalogue.doors.scenario, { scenario: scenario.slug, parameters: said }, signal);
    try {
      const answer = await filled;
      if (signal.aborted) return;
      for (const [name, place] of faults) place.textContent = answer.errors?.find(({ path }) => path === name)?.message ?? "";
      found.replaceChildren(...(answer.criteria ? [h("strong", { class: "num" }, answer.count.toLocaleString()), ` ${answer.count === 1 ? "contact matches" : "contacts match"} now. `, answer.words] : [answer.errors ? "" : answer.detail ?? ""]));
    } catch {
      if (!signal.aborted) found.textContent = "It could not be counted just now.";
    }
  };
  const changed = () => { clearTimeout(timer); timer = setTimeout(look, PAUSE); };
  const set = (name) => (value) => { said[name] = value ?? ""; changed(); };
  const fields = scenario.parameters.map((one) => {
    faults.set(one.name, h("p", { class: "builder-fault", role: "alert" }));
    return h("div", { class: "field", role: "group", "aria-label": one.label }, h("span", { class: "field-label" }, one.label, one.optional && h("span", { class: "field-optional" }, " (optional)")),
      h("div", { class: "row" }, input(one, set(one.name))), (one.help || one.share) && h("div", { class: "field-help" }, [one.help, one.share && "A number, or a share of your buyers such as “top 20%”."].filter(Boolean).join(" ")), faults.get(one.name));
  });
  const add = async () => {
    clearTimeout(timer);
    await look();
    const answer = await filled.catch(() => ({}));
    if (!answer.criteria) return;
    opened.close();
    insert(answer.criteria);
  };
  const opened = dialog({
    host: ctx.host, title: scenario.label, body: [h("p", {}, scenario.hint), scenario.goal && h("p", { class: "soft small" }, `Goal: ${scenario.goal}`), ...fields, found].filter(Boolean),
    foot: [h("button", { type: "button", class: "btn", onclick: () => opened.close() }, "Cancel"), h("button", { type: "button", class: "btn btn-primary", onclick: add }, "Add conditions")],
  });
  opened.element.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.matches("input")) { event.preventDefault(); add(); } });
  opened.element.querySelector(".dialog-body :is(input, select)")?.focus();
  look();
}

function input({ name, label, kind, default: value, choices, optional }, set) {
  const options = { name, label };
  if (kind === "duration") return durationInput(value, set, options);
  if (kind === "choice") {
    const select = choose(choices, value, { "aria-label": label });
    select.addEventListener("change", () => set(select.value));
    return [select];
  }
  const text = h("input", { type: "text", inputmode: "text", maxlength: 40, value, "aria-label": label, autocomplete: "off", placeholder: optional ? "any" : undefined });
  text.addEventListener("input", () => set(text.value));
  return [text];
}
