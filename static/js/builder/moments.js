// Days and instants. A day is a calendar day where the contact lives; an instant is shown in the reader's zone and written with an offset.

import { h, icon } from "./dom.js";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
export const isDay = (value) => DAY.test(value ?? "");

function local(value) {
  const at = new Date(value);
  if (!value || Number.isNaN(at.getTime())) return "";
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, at.getSeconds() ? 19 : 16);
}

// What was not changed stays as it was written, with its offset and its fractions of a second.
export function instantInput(value, set, { name, label }) {
  const shown = local(value);
  const input = h("input", { type: "datetime-local", step: shown.length > 16 ? 1 : undefined, value: shown, "data-at": name, "aria-label": label });
  input.addEventListener("input", () => set(input.value === shown ? value : input.value ? new Date(input.value).toISOString() : ""));
  return [input];
}

function dayInput(value, set, { name, label }) {
  const input = h("input", { type: "date", value: value ?? "", "data-at": name, "aria-label": label });
  input.addEventListener("input", () => set(input.value));
  return [input];
}

const toInstant = (day) => (day ? new Date(`${day}T00:00`).toISOString() : "");
const toDay = (instant) => local(instant).slice(0, 10);

// A day, or with the clock pressed an instant.
export function momentInput(value, set, { name, label }) {
  const span = h("span", { class: "builder-pair" });
  const draw = (now, timed) => {
    const turn = () => { const next = timed ? toDay(now) : toInstant(now); set(next); draw(next, !timed); span.querySelector("button").focus(); };
    const keep = (next) => { now = next; set(next); };
    span.replaceChildren(...(timed ? instantInput : dayInput)(now, keep, { name, label }), clock(name, label, timed, turn));
  };
  draw(value, Boolean(value) && !isDay(value));
  return [span];
}

// Two of them, both days or both instants.
export function momentPair(value, set, { name, label }) {
  const span = h("span", { class: "builder-pair builder-span" });
  const both = Array.isArray(value) ? [...value] : ["", ""];
  const draw = (timed) => {
    const one = timed ? instantInput : dayInput;
    const at = (index) => (part) => { both[index] = part; set([...both]); };
    const turn = () => { both.splice(0, 2, ...both.map(timed ? toDay : toInstant)); set([...both]); draw(!timed); span.querySelector("button").focus(); };
    span.replaceChildren(
      ...one(both[0], at(0), { name: `${name}-low`, label: `${label}: from` }), h("span", { class: "soft" }, "and"),
      ...one(both[1], at(1), { name: `${name}-high`, label: `${label}: to` }), clock(name, label, timed, turn));
  };
  draw(both.some((one) => one && !isDay(one)));
  return [span];
}

const clock = (name, label, timed, turn) => h("button", {
  type: "button", class: "btn btn-quiet btn-sm btn-icon", "data-at": `${name}-clock`, "aria-pressed": String(timed),
  "aria-label": `${label}: with a time of day`, title: timed ? "A time of day, in your zone" : "A whole day, where the contact lives", onclick: turn,
}, icon("clock"));
