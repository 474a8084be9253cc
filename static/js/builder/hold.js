// Taking hold of a row with the keyboard: Enter or Space on its handle, the arrow keys move it, Enter or Space lets it go, Escape puts it back.

import { isGroup } from "./model.js";

export const HELP = "Press Enter to take hold, then the arrow keys to move: up and down, left out of a group, right into one. Enter lets go, Escape puts it back.";

export class Hold {
  constructor(builder, say) {
    Object.assign(this, { builder, say, id: null });
  }

  toggle(id) {
    if (this.id) { this.drop(); return; }
    this.id = id;
    this.began = this.builder.model.past.length;
    this.builder.draw(`${id}:handle`);
    this.say(`Taken hold of ${this.name}. ${HELP}`);
  }

  // Answers true when the key was for the row that is held.
  key(event) {
    if (!this.id) return false;
    const { model } = this.builder;
    const act = {
      ArrowUp: () => model.step(this.id, -1), ArrowDown: () => model.step(this.id, 1), ArrowLeft: () => model.out(this.id), ArrowRight: () => model.into(this.id),
    }[event.key];
    if (act) this.move(act); else if (event.key === "Escape") this.cancel(); else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  move(act) {
    const moved = act();
    if (moved) this.builder.edited(`${this.id}:handle`);
    this.say(moved ? `${this.name}, ${this.place}` : "It cannot go further");
  }

  // All its moves are one step of undo.
  drop() {
    const { model } = this.builder;
    if (model.past.length > this.began + 1) model.past.length = this.began + 1;
    const said = `${this.name} let go, ${this.place}`;
    this.finish();
    this.say(said);
  }

  cancel() {
    const { model } = this.builder;
    const moved = model.past.length > this.began;
    while (model.past.length > this.began) model.undo();
    model.future = [];
    const { id } = this;
    this.id = null;
    if (moved) this.builder.edited(`${id}:handle`); else this.builder.draw(`${id}:handle`);
    this.say("Put back where it was");
  }

  finish() {
    const { id } = this;
    this.id = null;
    this.builder.draw(`${id}:handle`);
  }

  get row() { return this.builder.tree.querySelector(`[data-id="${this.id}"]`); }
  get name() { return this.row?.getAttribute("aria-label").split(":")[0] ?? ""; }

  get place() {
    const { list, index, above } = this.builder.model.find(this.id);
    const group = above.at(-1);
    const words = above.length > 1 ? this.builder.tree.querySelector(`[data-id="${group._id}"]`)?.getAttribute("aria-label").split(":")[0] : "the criteria";
    return `${isGroup(group) ? `place ${index + 1} of ${list.length} in ${words}` : ""}`;
  }
}
