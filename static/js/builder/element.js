// <criteria-builder>: holds the document in a hidden input, draws it, and says `change` (detail.criteria) after every edit.

import { Answer } from "./answer.js";
import { openChooser } from "./chooser.js";
import { openJson } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { HELP, Hold } from "./hold.js";
import { isGroup, Model } from "./model.js";
import { keys, listenForDrags, openMenu, rowItems } from "./moves.js";
import { blank } from "./rows.js";
import { openScenario } from "./scenario.js";
import { drawTree } from "./tree.js";

const catalogues = new Map();
function catalogue(url) {
  if (!catalogues.has(url)) {
    const asked = fetch(url, { headers: { Accept: "application/json" } }).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
    asked.catch(() => catalogues.delete(url));
    catalogues.set(url, asked);
  }
  return catalogues.get(url);
}

const NOT_YET = {
  propertyName: "Choose what it is about.", eventName: "Choose an event.", segment: "Choose a segment.", list: "Choose a list.",
  conditions: "This group is empty: add a condition to it, or remove it.", value: "Fill in a value.",
};

const MANY = 30; // rows, beyond which those out of sight are not laid out

const say = (text) => document.dispatchEvent(new CustomEvent("announce", { detail: { text } }));

export class CriteriaBuilder extends HTMLElement {
  connectedCallback() {
    if (this.model) return;
    const script = this.querySelector('script[type="application/json"]');
    this.model = new Model(JSON.parse(script?.textContent.trim() || "null"));
    this.unfinished = new Set(); // new rows, whose faults are not shown before they are left
    this.found = JSON.parse(this.dataset.faults || "[]");
    this.hold = new Hold(this, say);
    this.shell();
    this.listen();
    this.store();
    this.begin();
  }

  shell() {
    // What the server drew to wait with stands until the conditions do; its input carries the document without this script.
    this.input = this.querySelector(':scope > input[type="hidden"]') ?? h("input", { type: "hidden", name: this.getAttribute("name") ?? "criteria" });
    this.waiting = this.querySelector(":scope > .builder-waiting");
    this.tree = h("div", { class: "criteria builder-tree" }, this.waiting?.querySelector(".builder-tree > *") ?? h("p", { class: "soft", role: "status" }, "Loading what there is to choose from…"));
    const tool = (name, label, what) => h("button", { type: "button", class: "btn btn-quiet btn-sm", "data-at": what, onclick: () => this.travel(what) }, icon(name), label);
    this.tools = { undo: tool("undo", "Undo", "undo"), redo: tool("redo", "Redo", "redo") };
    const json = h("button", { type: "button", class: "btn btn-quiet btn-sm push", "data-at": "json", onclick: () => this.catalogue && this.json(this.model.root._id) }, icon("code"), "JSON");
    this.answer = new Answer(this);
    const body = h("div", { class: "builder-body" },
      h("div", { class: "builder-edit" }, this.tree, h("div", { class: "builder-tools" }, this.tools.undo, this.tools.redo, json)), this.answer.element);
    if (this.waiting) body.classList.add("builder-waiting");
    body.style.cssText = this.waiting?.style.cssText ?? "";
    this.waiting?.remove();
    this.body = body;
    this.append(this.input, body, h("p", { id: "builder-moving", hidden: true }, HELP));
  }

  listen() {
    for (const name of ["change", "input"]) {
      this.addEventListener(name, (event) => { if (event.target !== this) event.stopPropagation(); });
    }
    this.addEventListener("keydown", (event) => { if (!event.target.closest("dialog") && !this.hold.key(event)) keys(this, event); });
    this.addEventListener("focusout", (event) => this.leave(event));
    listenForDrags(this);
  }

  async begin() {
    try {
      this.catalogue = await catalogue(this.dataset.catalogueUrl);
    } catch {
      const again = h("button", { type: "button", class: "btn btn-sm", onclick: () => this.begin() }, "Try again");
      this.tree.replaceChildren(h("p", { class: "alert alert-error", role: "alert" }, "What there is to choose from could not be loaded.", again));
      return;
    }
    this.body.classList.remove("builder-waiting");
    this.draw();
    this.answer.ask(0);
  }

  // What the drawing code is given -------------------------------------------------------------------------------------
  get context() {
    return {
      host: this, model: this.model, catalogue: this.catalogue, label: this.dataset.label ?? "Criteria", inFlow: "flow" in this.dataset, held: this.hold.id,
      edit: (node, change, control, draw) => this.edit(change, control, draw),
      add: (groupId, kind) => this.add(groupId, kind),
      addWhere: (node) => this.addWhere(node),
      follow: (node) => this.follow(node),
      remove: (id) => this.takeOut(id),
      choose: (groupId) => openChooser(this.context, groupId),
      insert: (groupId, choice) => this.insert(groupId, choice),
      json: (id) => this.json(id),
      rowMenu: (button, id) => openMenu(this, button, rowItems(this, id)),
      hold: (event, id) => (event.detail ? openMenu(this, event.currentTarget, rowItems(this, id)) : this.hold.toggle(id)),
    };
  }

  draw(focus) {
    if (!this.catalogue) return; // it is drawn as soon as that has come
    const at = focus ?? (this.contains(document.activeElement) ? document.activeElement.dataset.at : undefined);
    this.drawing = true; // taking the old rows away is not leaving them
    this.tree.replaceChildren(drawTree(this.context));
    this.drawing = false;
    this.tree.classList.toggle("is-many", this.tree.querySelectorAll(".condition").length > MANY);
    this.tools.undo.disabled = !this.model.past.length;
    this.tools.redo.disabled = !this.model.future.length;
    this.showFaults(this.found);
    if (at) this.focusAt(at);
  }

  focusAt(at) {
    const [id] = at.split(":");
    const row = this.tree.querySelector(`[data-id="${id}"]`);
    const first = row?.querySelector(":is(.condition-main, .group-foot, .segmented) :is(select, input, button)") ?? row?.querySelector("select, input, button:not([data-handle])");
    const exact = this.querySelector(`[data-at="${CSS.escape(at)}"]`);
    (exact ?? first ?? this.tree.querySelector("button"))?.focus({ preventScroll: false });
  }

  // Edits --------------------------------------------------------------------------------------------------------------
  // draw: true at once, false not at all, "later" when the focus has moved on and no press is under way.
  edit(change, control, draw) {
    this.model.remember(control);
    change();
    this.edited(draw === true ? undefined : false);
    if (draw === "later") settled(() => { if (this.isConnected) this.draw(); });
  }

  // Do something to the model that may turn out impossible, and say which.
  change(act, focus, done, cannot) {
    const worked = act();
    if (worked) this.edited(focus);
    say(worked ? done : cannot);
    return worked;
  }

  edited(focus) {
    if (focus === false) {
      this.tools.undo.disabled = false;
      this.tools.redo.disabled = true;
    } else this.draw(focus);
    this.store();
    this.answer.ask();
    this.dispatchEvent(new CustomEvent("change", { bubbles: true, detail: { criteria: this.model.document } }));
  }

  add(groupId, kind) {
    const made = this.model.add(groupId, blank(kind, this.context), kind === "PARAMETER");
    this.unfinished.add(made._id);
    this.edited(isGroup(made) ? `${made._id}:add` : `${made._id}:name`);
  }

  // What was chosen to be added: a scenario asks for its numbers first.
  insert(groupId, { scenario, make }) {
    if (scenario) openScenario(this.context, scenario, (document) => this.insertDocument(groupId, document));
    else this.insertDocument(groupId, make());
  }

  insertDocument(groupId, document) {
    const { root } = this.model;
    const whole = groupId === root._id && !root.conditions.length && document.operator === "AND" && document.conditions && !document.negate;
    const id = whole ? this.model.replace(groupId, document) : this.model.add(groupId, document)._id;
    this.unfinished.add(id);
    this.edited(`${whole ? this.model.root.conditions[0]._id : id}:next`);
    say("Added");
  }

  addWhere(node) {
    this.model.remember();
    node.where = { operator: "AND", conditions: [], _id: `${node._id}w` };
    const made = this.model.add(node.where._id, blank("PARAMETER", this.context), true);
    this.model.past.pop(); // the group and its first parameter are one step of undo
    this.unfinished.add(made._id);
    this.edited(`${made._id}:name`);
  }

  follow(node) {
    this.model.remember();
    node.followedBy = { _id: `${node._id}f`, eventName: "" };
    this.unfinished.add(node.followedBy._id);
    this.edited(`${node._id}f:name`);
  }

  json(id) { openJson(this, id); }

  // Another document, or node, in the place of one, as one step of undo.
  put(id, document) {
    this.edited(`${this.model.replace(id, document)}:menu`);
    say("Replaced");
  }

  takeOut(id) {
    const next = this.model.remove(id);
    this.dropEmptyWheres(this.model.root);
    this.edited(`${next}:next`);
    say("Removed");
  }

  dropEmptyWheres(group) {
    for (const node of group.conditions) {
      if (isGroup(node)) this.dropEmptyWheres(node);
      else for (const one of [node, node.followedBy]) if (one?.where?._id && !one.where.conditions.length) delete one.where;
    }
  }

  duplicate(id) {
    this.edited(`${this.model.duplicate(id)}:handle`);
    say("Duplicated");
  }

  travel(which) {
    const moved = this.model[which]();
    if (moved) this.edited(which);
    say(moved ? (which === "undo" ? "Undone" : "Done again") : `Nothing to ${which}`);
  }

  store() {
    const { document: criteria } = this.model;
    this.input.value = criteria ? JSON.stringify(criteria) : "";
  }

  get value() { return this.model?.document ?? null; }
  set value(criteria) {
    this.model.load(criteria);
    this.unfinished.clear();
    this.found = [];
    this.draw();
    this.store();
    this.answer.ask(0);
  }

  // Faults: each is shown at the row that its path leads to; true when some belong to rows still being filled in -----------
  set faults(faults) { this.showFaults(faults); }

  showFaults(faults) {
    this.found = faults;
    for (const old of this.tree.querySelectorAll(".builder-fault")) old.remove();
    for (const row of this.tree.querySelectorAll(".is-wrong")) { row.classList.remove("is-wrong"); row.removeAttribute("aria-describedby"); }
    this.places = new Map([...this.tree.querySelectorAll("[data-path]")].map((row) => [row.dataset.path, row]));
    return faults.filter((fault) => !this.mark(fault)).length > 0;
  }

  mark({ path, message }) {
    const row = this.faulty(path);
    if (!row || this.unfinished.has(row.dataset.id)) return false;
    if (row.classList.contains("is-wrong")) return true; // one sentence at a time
    const fault = h("p", { class: "builder-fault", id: `fault-${row.dataset.id}` }, this.missing(row.dataset.id) ?? message);
    const place = row.classList.contains("group") ? row.querySelector(":scope > .group-head") : row;
    if (row === place) row.querySelector(":scope > .condition-main").append(fault); else place.after(fault);
    row.classList.add("is-wrong");
    row.setAttribute("aria-describedby", fault.id);
    return true;
  }

  // What was not filled in yet is said in the form's own words.
  missing(id) {
    const node = this.model.find(id)?.node ?? {};
    const empty = Object.keys(NOT_YET).find((key) => node[key] === "" || (key === "conditions" && node.conditions?.length === 0));
    return NOT_YET[empty];
  }

  faulty(path) { return this.rowAt(path.replace(/^criteria\.?/, "")); }

  // What the answer lists: each marked row by its name, with what is wrong there, the first few.
  marked(faults) {
    const rows = new Map();
    for (const { path, message } of faults) {
      const row = this.faulty(path);
      if (row && !this.unfinished.has(row.dataset.id) && !rows.has(row)) rows.set(row, this.missing(row.dataset.id) ?? message);
    }
    return [...rows].map(([row, message]) => ({ id: row.dataset.id, where: row.getAttribute("aria-label").replace(/[:,] .*/, ""), message }));
  }

  // The row that a path leads to, or the nearest one above it.
  rowAt(path) {
    let at = path;
    for (;;) {
      const row = this.places.get(at);
      if (row || !at) return row;
      const above = at.replace(/(\[\d+\]|(^|\.)[^.[\]]+)$/, "");
      at = above === at ? "" : above;
    }
  }

  leave(event) {
    const row = event.target.closest?.(".condition, .group");
    if (!this.drawing && this.hold.id && event.target.dataset?.at === `${this.hold.id}:handle`) settled(() => this.hold.id && this.hold.drop());
    if (this.drawing || !row || row.contains(event.relatedTarget) || !this.unfinished.delete(row.dataset.id)) return;
    settled(() => { if (row.isConnected) this.showFaults(this.found); });
  }
}

// What comes between press and release would push the pressed button away, and the click be lost.
function settled(act) {
  if (document.querySelector(":active")) addEventListener("pointerup", () => setTimeout(act), { once: true, capture: true });
  else setTimeout(act);
}
