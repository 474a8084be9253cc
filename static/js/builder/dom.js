// Making elements: h("button", {class: "btn", onclick}, "Text", icon("x")).

let sprite;
function spriteUrl() {
  sprite ??= document.querySelector('use[href*="sprite"]')?.getAttribute("href").replace(/#.*/, "") ?? "/static/icons/sprite.svg";
  return sprite;
}

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  use.setAttribute("href", `${spriteUrl()}#${name}`);
  svg.append(use);
  return svg;
}

// A select of [value, label] pairs, or of groups {label, options}; a value that is not offered is offered all the same.
export function choose(options, value, attributes) {
  const pair = ([one, label]) => h("option", { value: one }, label);
  const group = ({ label, options: inner }) => h("optgroup", { label }, inner.map(pair));
  const offered = options.flatMap((one) => (Array.isArray(one) ? [one] : one.options)).map(([one]) => String(one));
  const items = options.filter((one) => Array.isArray(one) || one.options.length).map((one) => (Array.isArray(one) ? pair(one) : group(one)));
  if (value !== undefined && value !== null && !offered.includes(String(value))) items.unshift(pair([value, value === "" ? "Choose…" : value]));
  const select = h("select", attributes, items);
  select.value = value ?? "";
  return select;
}

export const iconButton = (name, label, onclick, attributes = {}) =>
  h("button", { type: "button", class: "btn btn-quiet btn-sm btn-icon", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
