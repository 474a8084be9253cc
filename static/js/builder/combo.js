// A name to choose from many: type to find it, or press to see all. `options` are {value, label, note, group};
// `pick(value)` hears what was chosen, `create(text)` (where given) what was typed and is not known yet.

import { h } from "./dom.js";

const MOST = 100;
let last = 0;

export function combo({ at, label, value, options, pick, create, samples, placeholder = "Choose…", ...rest }) {
  return new Combo({ at, label, value, options, pick, create, samples, placeholder, rest }).element;
}

const folded = (text) => text.normalize("NFKD").toLowerCase();

class Combo {
  constructor({ at, label, value, options, pick, create, samples, placeholder, rest }) {
    Object.assign(this, { value, options, pick, create, samples, active: -1, shown: [], seen: {} });
    const name = `combo-${++last}`;
    this.list = h("div", { role: "listbox", "aria-label": label, id: name });
    this.note = h("p", { class: "combo-note" });
    this.popup = h("div", { class: "combo-popup", popover: "manual" }, this.list, this.note);
    this.input = h("input", {
      type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": name, "aria-label": label, "data-at": at,
      autocomplete: "off", spellcheck: "false", maxlength: 300, placeholder, value: this.textOf(value), title: this.titleOf(value), ...rest,
    });
    this.element = h("span", { class: "combo" }, this.input, this.popup);
    this.listen();
  }

  textOf(value) {
    return this.options.find((one) => one.value === value)?.label ?? value ?? "";
  }

  titleOf(value) {
    const text = this.textOf(value);
    return text === value || !value ? text || undefined : `${text} (${value})`;
  }

  listen() {
    const on = (name, listener) => this.input.addEventListener(name, listener);
    on("click", () => { this.input.select(); this.open(""); });
    on("input", () => this.open(this.input.value));
    on("keydown", (event) => this.key(event));
    on("blur", () => this.leave());
    this.popup.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the input
    this.popup.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(this.shown[Number(option.dataset.index)]);
    });
  }

  // Opening and closing -------------------------------------------------------------------------------------------------
  get isOpen() { return this.input.getAttribute("aria-expanded") === "true"; }

  open(text) {
    this.find(text);
    if (!this.isOpen) {
      this.popup.showPopover();
      this.input.setAttribute("aria-expanded", "true");
      this.follow = () => this.place();
      for (const name of ["scroll", "resize"]) addEventListener(name, this.follow, { capture: true, passive: true });
    }
    this.place();
    this.sample();
  }

  // What stands there in life is asked for when the list is looked at, and drawn into it when it comes.
  async sample() {
    const ask = this.samples;
    delete this.samples;
    if (!ask) return;
    this.seen = await ask();
    for (const option of this.list.querySelectorAll("[data-index]")) option.append(...this.sampled(this.shown[Number(option.dataset.index)]));
    this.list.querySelector(".is-active")?.scrollIntoView({ block: "nearest" });
  }

  sampled({ value }) {
    const { share, samples } = this.seen[value] ?? {};
    const text = share === undefined ? "" : [`${share}% have one`, samples.join(", ")].filter(Boolean).join(" · ");
    return text ? [h("small", { class: "combo-samples" }, text)] : [];
  }

  close() {
    if (!this.isOpen) return;
    if (this.popup.isConnected) this.popup.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    for (const name of ["scroll", "resize"]) removeEventListener(name, this.follow, { capture: true });
  }

  place() {
    if (!this.input.isConnected) { this.close(); return; }
    const box = this.input.getBoundingClientRect();
    const width = Math.min(Math.max(box.width, 288), innerWidth - 16);
    const below = innerHeight - box.bottom;
    const up = below < 220 && box.top > below;
    Object.assign(this.popup.style, {
      width: `${width}px`, left: `${Math.max(8, Math.min(box.left, innerWidth - width - 8))}px`,
      maxHeight: `${Math.min(360, (up ? box.top : below) - 12)}px`,
      top: up ? "auto" : `${box.bottom + 4}px`, bottom: up ? `${innerHeight - box.top + 4}px` : "auto",
    });
  }

  // What is found -------------------------------------------------------------------------------------------------------
  find(text) {
    const words = folded(text).split(/\s+/).filter(Boolean);
    const found = this.options.filter((one) => { const all = folded(`${one.label} ${one.value}`); return words.every((word) => all.includes(word)); });
    this.shown = found.slice(0, MOST);
    const typed = text.trim();
    if (this.create && typed && !this.options.some((one) => one.label === typed || one.value === typed)) this.shown.push({ value: typed, label: `Use “${typed}”`, note: "not seen yet", made: true });
    this.draw(found.length);
    const here = this.shown.findIndex((one) => one.value === this.value);
    this.activate(text ? 0 : Math.max(here, 0));
  }

  draw(found) {
    const drawn = [];
    let group;
    for (const [index, one] of this.shown.entries()) {
      if (one.group !== group?.dataset.group) {
        group = h("div", { role: "group", "aria-label": one.group, "data-group": one.group }, h("span", { class: "combo-group", "aria-hidden": "true" }, one.group));
        if (one.group) drawn.push(group); else group = undefined;
      }
      const option = h("div", { role: "option", id: `${this.list.id}-${index}`, "data-index": index, "aria-selected": String(one.value === this.value), class: "combo-option", title: one.label === one.value || one.made ? undefined : one.value }, h("span", {}, one.label), one.note && h("span", { class: "combo-aside" }, one.note), ...this.sampled(one));
      if (group) group.append(option); else drawn.push(option);
    }
    this.list.replaceChildren(...drawn);
    this.list.hidden = !this.shown.length;
    const more = found - MOST;
    this.note.textContent = more > 0 ? `and ${more.toLocaleString()} more: type to find them` : this.shown.length ? "" : this.options.length ? "Nothing of that name." : "There is none yet.";
    this.note.hidden = !this.note.textContent;
  }

  activate(index) {
    this.list.querySelector(".is-active")?.classList.remove("is-active");
    this.active = this.shown.length ? (index + this.shown.length) % this.shown.length : -1;
    const option = this.list.querySelector(`[data-index="${this.active}"]`);
    if (!option) { this.input.removeAttribute("aria-activedescendant"); return; }
    option.classList.add("is-active");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  // Choosing ------------------------------------------------------------------------------------------------------------
  key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && !event.altKey) {
      event.preventDefault();
      if (this.isOpen) this.activate(this.active + by); else this.open("");
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.isOpen && this.active >= 0) this.choose(this.shown[this.active]); else if (!this.isOpen) this.open("");
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopPropagation();
      this.input.value = this.textOf(this.value);
      this.close();
    }
  }

  choose(option) {
    this.close();
    this.input.value = option.made ? option.value : option.label;
    if (option.value === this.value) return;
    this.value = option.value;
    (option.made ? this.create : this.pick)(option.value, true);
  }

  // What was typed and left counts when it names something, or may be something new; else it goes back.
  leave() {
    this.close();
    const typed = this.input.value.trim();
    const option = this.options.find((one) => [one.label, one.value].includes(typed)) ?? this.options.find((one) => folded(one.label) === folded(typed));
    const value = option ? option.value : this.create && typed ? typed : this.value;
    this.input.value = this.textOf(value);
    if (value === this.value) return;
    this.value = value;
    (option ? this.pick : this.create)(value, false);
  }
}
