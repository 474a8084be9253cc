// Beside the criteria: how many match now, some of them, and the criteria in words. Asked of the server a moment after each edit.

import { h } from "./dom.js";

const PAUSE = 350;

function token() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  if (field) return field;
  try {
    return JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
  } catch {
    return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
  }
}

export class Answer {
  constructor(builder) {
    this.builder = builder;
    this.number = h("strong", { "data-number": "match", hidden: true });
    this.noun = h("span", { class: "soft" });
    this.count = h("p", { class: "live-count", role: "status" }, this.number, this.noun);
    this.words = h("p", { class: "builder-words" });
    this.sample = h("ul", { class: "builder-sample" });
    this.notes = h("ul", { class: "builder-notes" });
    this.element = h("div", { class: "builder-answer", role: "group", "aria-label": "Who matches" }, this.count, this.words, this.sample, this.notes);
  }

  ask(pause = PAUSE) {
    clearTimeout(this.timer);
    this.request?.abort();
    const { document: criteria } = this.builder.model;
    if (!criteria) { this.show({ noun: this.builder.dataset.empty ?? "Add a condition to see who matches." }); return; }
    this.element.classList.add("is-counting");
    this.noun.textContent = "≈ counting…";
    this.timer = setTimeout(() => this.send(criteria), pause);
  }

  // At first without waiting: a count that takes long comes back as an estimate, and the exact number is asked for then.
  async send(criteria, exact = false) {
    this.request = new AbortController();
    const { signal } = this.request;
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() };
    try {
      const answer = await fetch(this.builder.dataset.previewUrl, { method: "POST", headers, body: JSON.stringify({ criteria, exact }), signal });
      const body = await answer.json();
      if (signal.aborted) return;
      if ("count" in body) this.matched(body); else this.refused(body);
      if (body.exact === false && !exact) this.send(criteria, true);
    } catch {
      if (!signal.aborted && !exact) this.show({ noun: "The count could not be had just now. It is tried again at your next change." });
    }
  }

  matched({ count, exact, sample, words, warnings = [] }) {
    const noun = count === 1 ? "contact matches now" : "contacts match now";
    this.show({ number: `${exact ? "" : "about "}${count.toLocaleString()}`, noun, words, sample, notes: warnings.map((one) => one.message ?? one) });
    this.builder.faults = [];
  }

  refused({ detail, errors }) {
    const faults = errors ?? [];
    const unfinished = this.builder.showFaults(faults);
    this.show({ noun: unfinished || !detail ? "Fill in the condition to see who matches." : "Mend what is marked to see who matches." });
  }

  show({ number = "", noun = "", words = "", sample = [], notes = [] }) {
    this.element.classList.remove("is-counting");
    this.number.textContent = number;
    this.number.hidden = !number;
    this.noun.textContent = noun;
    this.words.textContent = words;
    this.words.hidden = !words;
    this.sample.hidden = !sample.length;
    this.sample.replaceChildren(...sample.map(({ name, url }) => h("li", {}, url ? h("a", { href: url, class: "link", target: "_blank" }, name) : name)));
    this.notes.hidden = !notes.length;
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, note)));
  }
}
