// Find a step by what it is called or does, also where it is folded away, and go there.

import { act } from "./canvas-post.js";
import { focusStop } from "./canvas-move.js";

const menu = document.getElementById("find-menu");
const list = document.getElementById("find-list");
const search = menu?.querySelector("input");
const MOST = 50;

// Its kind, and what it does where its title does not say it.
function said(one) {
  const words = one.querySelector(".node-words")?.textContent ?? "";
  const parts = [one.querySelector(".node-kind").firstChild.textContent, words === one.dataset.title ? "" : words, one.querySelector(".node-missing")?.textContent ?? ""];
  return parts.map((part) => part.trim()).filter(Boolean).join(" · ");
}

function steps() {
  const cards = [...document.querySelectorAll("#board .node-card")].map((one) => ({ key: one.dataset.node, title: one.dataset.title, said: said(one), icon: one.querySelector(".node-icon"), group: one.dataset.group }));
  const hidden = [...document.querySelectorAll("#hidden-steps li")].map((one) => ({ key: one.dataset.node, title: one.dataset.title, said: one.dataset.title, away: true }));
  return [...cards, ...hidden];
}

function entry({ key, title, said, icon, group, away }, at) {
  const one = Object.assign(document.createElement("button"), { type: "button", className: "palette-item", id: `found-${at}`, tabIndex: -1 });
  one.setAttribute("role", "option");
  one.dataset.node = key;
  if (away) one.dataset.away = "1";
  if (group) one.dataset.group = group;
  if (icon) one.append(icon.cloneNode(true));
  const words = document.createElement("span");
  words.append(title, Object.assign(document.createElement("small"), { textContent: away ? "folded away" : said }));
  one.append(words);
  return one;
}

function show() {
  const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = steps().filter(({ key, title, said }) => words.every((word) => `${title} ${said} ${key}`.toLowerCase().includes(word))).slice(0, MOST);
  list.replaceChildren(...found.map(entry));
  document.getElementById("find-none").hidden = found.length > 0;
  choose(list.firstElementChild);
}

function choose(one) {
  for (const other of list.children) other.setAttribute("aria-selected", String(other === one));
  search.setAttribute("aria-activedescendant", one?.id ?? "");
  one?.scrollIntoView({ block: "nearest" });
}

async function go(one) {
  const { node, away } = one.dataset;
  menu.hidePopover();
  if (away) await act({ do: "fold", node, how: "show" });
  focusStop(document.getElementById(`card-${node}`));
}

export function openFind() {
  search.value = "";
  menu.showPopover();
  const stage = document.querySelector(".canvas-stage").getBoundingClientRect();
  menu.style.left = `${Math.max(8, stage.left + (stage.width - menu.offsetWidth) / 2)}px`;
  menu.style.top = `${stage.top + 12}px`;
  show();
  search.focus();
}

export function listenForFind() {
  search.addEventListener("input", show);
  list.addEventListener("click", (event) => { const one = event.target.closest("[role=option]"); if (one) go(one); });
  menu.addEventListener("keydown", (event) => {
    const here = list.querySelector("[aria-selected=true]");
    if (event.key === "Enter" && here) go(here);
    else if (event.key === "ArrowDown") choose(here?.nextElementSibling ?? list.firstElementChild);
    else if (event.key === "ArrowUp") choose(here?.previousElementSibling ?? list.lastElementChild);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
