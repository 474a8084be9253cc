// Values that stand in the newest facts, offered while one types: asked for when the input is entered, once for each name.

import { h } from "./dom.js";

const asked = new Map();
let last = 0;

function values(url, query) {
  const address = `${url}?${new URLSearchParams(query)}`;
  if (!asked.has(address)) {
    asked.set(address, fetch(address, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : { values: [] })).catch(() => {
      asked.delete(address);
      return { values: [] };
    }));
  }
  return asked.get(address);
}

// How often the names of a picker have a value, and a few of those; nothing where it cannot be had.
export async function samples(url, query) {
  return url ? (await values(url, query)).samples ?? {} : {};
}

// Give the text inputs among `elements` a list of values of `name`.
export function suggest(elements, url, query) {
  if (!url || !query.name) return elements;
  for (const element of elements) {
    for (const input of [element, ...(element.querySelectorAll?.("input") ?? [])]) {
      if (input.type !== "text" || input.getAttribute("role") === "combobox") continue;
      input.addEventListener("focus", async () => {
        const found = (await values(url, query)).values;
        if (!found.length || !input.isConnected || input.hasAttribute("list")) return;
        const list = h("datalist", { id: `values-${++last}` }, ...found.map((value) => h("option", { value })));
        input.after(list);
        input.setAttribute("list", list.id);
      });
    }
  }
  return elements;
}
