// Beside the criteria: how many match now, how many of them can be reached, some of them, and the criteria in words.
// Asked of the server a moment after each edit; an estimate says so and is followed by the number.

import { ask } from "./asking.js";
import { h, icon } from "./dom.js";

const PAUSE = 350;
const FEW = 5; // faults that are listed
const CHANNELS = { email: "emailable", sms: "by SMS", whatsapp: "by WhatsApp" };
const noun = (count) => (count === 1 ? "contact matches now" : "contacts match now");
const told = (count, exact, below) => (exact ? "" : below ? "fewer than " : "about ") + (exact ? count : below ?? count).toLocaleString();

export class Answer {
  constructor(builder) {
    this.builder = builder;
    this.number = h("strong", { "data-number": "match", hidden: true });
    this.noun = h("span", { class: "soft" });
    this.count = h("p", { class: "live-count", role: "status" }, this.number, this.noun);
    this.reach = h("ul", { class: "builder-reach", "aria-label": "Can be reached" });
    this.words = h("p", { class: "builder-words" });
    this.sample = h("ul", { class: "builder-sample", "aria-label": "Some of them" });
    this.notes = h("ul", { class: "builder-notes" });
    this.element = h("div", { class: "builder-answer", role: "group", "aria-label": "Who matches", tabindex: -1, "data-at": "answer" }, this.count, this.reach, this.words, this.sample, this.notes);
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

  async send(criteria) {
    this.request = new AbortController();
    const { signal } = this.request;
    try {
      const body = await ask(this.builder.dataset.previewUrl, { criteria }, signal);
      if (signal.aborted) return;
      if (!("count" in body)) { this.refused(body); return; }
      this.matched(body);
      await Promise.all([this.countExactly(body, criteria, signal), this.askReach(criteria, signal)]);
    } catch (error) {
      if (!signal.aborted) this.lost(error);
    }
  }

  matched({ count, exact, fewer_than: below, sample, words, warnings = [] }) {
    this.show({ number: told(count, exact, below), noun: noun(below ?? count), words, sample, notes: warnings.map((one) => one.message ?? one) });
    this.builder.faults = [];
  }

  async countExactly({ exact }, criteria, signal) {
    if (exact) return;
    const { count, exact: sure, fewer_than: below } = await ask(this.builder.dataset.previewUrl, { criteria, exact: true }, signal);
    if (signal.aborted || count === undefined) return;
    this.number.textContent = told(count, sure, below);
    this.noun.textContent = noun(count);
  }

  async askReach(criteria, signal) {
    const door = this.builder.catalogue?.doors?.reach;
    const found = door ? await ask(door, { criteria }, signal).catch(() => ({})) : {};
    if (signal.aborted) return;
    const channels = Object.entries(CHANNELS).filter(([channel]) => channel in found);
    this.reach.replaceChildren(...channels.map(([channel, words]) => h("li", {}, words, " ", h("strong", { class: "num" }, found[channel].toLocaleString()))));
    this.reach.hidden = !channels.length;
  }

  refused({ detail, errors }) {
    const unfinished = this.builder.showFaults(errors ?? []);
    const marked = this.builder.marked(errors ?? []);
    const at = ({ id, where, message }) => [h("button", { type: "button", class: "link", onclick: () => this.builder.focusAt(`${id}:next`) }, where), `: ${message}`];
    const more = marked.length - FEW;
    this.show({
      noun: marked.length ? "Mend what is marked to see who matches." : unfinished || !detail ? "Fill in the condition to see who matches." : detail,
      notes: [...marked.slice(0, FEW).map(at), ...(more > 0 ? [`and ${more.toLocaleString()} more`] : [])],
    });
  }

  // The request came to nothing: no network, a server that restarts, a session that ended.
  lost(error) {
    const again = h("button", { type: "button", class: "btn btn-sm", onclick: () => { this.ask(0); this.builder.focusAt("answer"); } }, icon("refresh-cw"), "Count again");
    this.show({ noun: error.signedOut ? "You are signed out. Sign in in another tab, then count again." : navigator.onLine ? "The count could not be had just now." : "You are offline. What you build stays here; it is counted when the network is back." });
    this.notes.replaceChildren(h("li", {}, again));
    this.notes.hidden = false;
    addEventListener("online", () => this.ask(0), { once: true });
  }

  show({ number = "", noun: words = "", words: sentence = "", sample = [], notes = [] }) {
    this.element.classList.remove("is-counting");
    this.number.textContent = number;
    this.number.hidden = !number;
    this.noun.textContent = words;
    this.words.textContent = sentence;
    this.words.hidden = !sentence;
    this.reach.hidden = true;
    this.sample.hidden = !sample.length;
    this.sample.replaceChildren(...sample.map(({ name, url }) => h("li", {}, url ? h("a", { href: url, class: "link", target: "_blank" }, name) : name)));
    this.notes.hidden = !notes.length;
    this.notes.replaceChildren(...notes.map((note) => h("li", {}, ...[note].flat())));
  }
}
