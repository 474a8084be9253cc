// The document being edited: plain criteria JSON whose groups and conditions carry a private `_id`, with undo and redo.
// What the rows cannot show is held word for word as `_raw`; a filter that is one comparison alone is a group marked `_bare`.

import { shows, showsGroup } from "./shapes.js";

const SAME_EDIT = 900; // milliseconds within which edits of one control are one step of undo
const DEEPEST = 8;
const PRIVATE = new Set(["_id", "_type", "_spelled", "_bare", "_raw"]);

let last = 0;
const id = () => `n${++last}`;
export const fresh = (node) => ({ ...node, _id: id() });
export const isRaw = (node) => "_raw" in node;
export const isGroup = (node) => !isRaw(node) && Array.isArray(node.conditions);
const isNode = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Give every group and condition below an id. `parameter`: it stands in the filter of an event.
export function adopt(value, parameter = false) {
  if (isNode(value) && showsGroup(value)) return fresh({ ...value, conditions: value.conditions.map((one) => adopt(one, parameter)) });
  if (!isNode(value) || !shows(value, parameter)) return { _id: id(), _raw: value };
  const node = fresh(value);
  if (node.where) node.where = filter(node.where);
  if (node.followedBy) node.followedBy = fresh({ ...node.followedBy, ...(node.followedBy.where && { where: filter(node.followedBy.where) }) });
  return node;
}

function filter(where) {
  const made = adopt(where, true);
  return isGroup(made) ? made : bare(made);
}

const bare = (node) => ({ _id: id(), operator: "AND", conditions: [node], _bare: true });
export const standsBare = (group) => Boolean(group._bare) && group.conditions.length === 1 && group.operator === "AND" && !("negate" in group);

export function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (!isNode(value)) return value;
  if (isRaw(value)) return value._raw;
  if (isGroup(value) && standsBare(value)) return plain(value.conditions[0]);
  return Object.fromEntries(Object.entries(value).filter(([key]) => !PRIVATE.has(key)).map(([key, inner]) => [key, plain(inner)]));
}

// The filters of a condition: of its own event, and of the one that follows.
const filtersOf = (node) => [node.where, node.followedBy?.where].filter((one) => one?._id);

export class Model {
  constructor(document) {
    this.load(document);
  }

  load(document) {
    this.root = this.rooted(document);
    this.past = [];
    this.future = [];
  }

  rooted(document) {
    const made = adopt(structuredClone(document ?? { operator: "AND", conditions: [] }));
    return isGroup(made) ? made : bare(made);
  }

  // The document as it would be sent: null when it has no conditions.
  get document() {
    return this.root.conditions.length ? JSON.parse(JSON.stringify(plain(this.root))) : null;
  }

  // Remember how things stand before a change; quick changes through one control count as one.
  remember(control = "") {
    const now = performance.now();
    const same = control && control === this.control && now - this.at < SAME_EDIT;
    Object.assign(this, { control, at: now });
    this.future = [];
    if (!same) this.past.push(JSON.stringify(this.root));
    if (this.past.length > 200) this.past.shift();
  }

  undo() { return this.travel(this.past, this.future); }
  redo() { return this.travel(this.future, this.past); }

  travel(from, to) {
    if (!from.length) return false;
    to.push(JSON.stringify(this.root));
    this.root = JSON.parse(from.pop());
    this.control = "";
    return true;
  }

  // Where a node stands: the node, the list that holds it, its index, the groups above it (outermost first).
  find(wanted, group = this.root, above = []) {
    if (group._id === wanted) return { node: group, list: null, index: 0, above };
    const here = [...above, group];
    for (const [index, node] of group.conditions.entries()) {
      if (node._id === wanted) return { node, list: group.conditions, index, above: here };
      if (node.followedBy?._id === wanted) return { node: node.followedBy, list: null, index: 0, above: here };
      const found = isGroup(node) ? this.find(wanted, node, here) : first(filtersOf(node), (one) => this.find(wanted, one));
      if (found) return found;
    }
    return null;
  }

  // Whether another group may stand in this one.
  roomy(groupId) {
    return this.find(groupId).above.length + 2 <= DEEPEST;
  }

  add(groupId, node, parameter = false) {
    this.remember();
    const made = adopt(node, parameter);
    this.find(groupId).node.conditions.push(made);
    return made;
  }

  // Put another document, or another node, in the place of one.
  replace(wanted, document) {
    this.remember();
    if (wanted === this.root._id) { this.root = this.rooted(document); return this.root._id; }
    const { list, index, above } = this.find(wanted);
    list[index] = adopt(document, above[0] !== this.root);
    return list[index]._id;
  }

  remove(wanted) {
    this.remember();
    const { list, index, above } = this.find(wanted);
    list.splice(index, 1);
    return (list[index] ?? list[index - 1] ?? above.at(-1))._id;
  }

  duplicate(wanted) {
    this.remember();
    const { node, list, index, above } = this.find(wanted);
    const copy = adopt(plain(node), above[0] !== this.root);
    list.splice(index + 1, 0, copy);
    return copy._id;
  }

  wrap(wanted) {
    const { node, list, index, above } = this.find(wanted);
    if (above.length + depth(node) + 1 > DEEPEST) return false;
    this.remember();
    list[index] = fresh({ operator: "AND", conditions: [node] });
    return true;
  }

  // Take a node out of where it is and put it into a group at a place; false when that cannot be.
  put(wanted, groupId, index) {
    const from = this.find(wanted);
    const to = this.find(groupId);
    const inside = from.node._id === groupId || to.above.some((group) => group._id === wanted);
    const elsewhere = (to.above[0] ?? to.node) !== from.above[0]; // an event's parameters stay with their event
    if (inside || elsewhere || to.above.length + 1 + depth(from.node) > DEEPEST) return false;
    this.remember();
    from.list.splice(from.index, 1);
    const shifted = from.list === to.node.conditions && from.index < index ? index - 1 : index;
    to.node.conditions.splice(shifted, 0, from.node);
    return true;
  }

  // One place up (-1) or down (1): past a condition, into a group that stands there, or out of the group it is in.
  step(wanted, by) {
    const { list, index, above } = this.find(wanted);
    if (!list) return false;
    const group = above.at(-1);
    const beside = list[index + by];
    if (beside && isGroup(beside) && this.put(wanted, beside._id, by < 0 ? beside.conditions.length : 0)) return true;
    if (beside) return this.put(wanted, group._id, by < 0 ? index - 1 : index + 2);
    return this.out(wanted, by);
  }

  // Out of the group it is in, before (-1) or after (1) that group.
  out(wanted, by = 1) {
    const { above } = this.find(wanted);
    const outer = above.at(-2);
    return outer ? this.put(wanted, outer._id, outer.conditions.indexOf(above.at(-1)) + (by < 0 ? 0 : 1)) : false;
  }

  // Into the group that stands before it, or else the one after it.
  into(wanted) {
    const { list, index } = this.find(wanted);
    const group = [list?.[index - 1], list?.[index + 1]].find((one) => one && isGroup(one));
    return group ? this.put(wanted, group._id, group === list[index - 1] ? group.conditions.length : 0) : false;
  }
}

function first(items, find) {
  for (const item of items) {
    const found = find(item);
    if (found) return found;
  }
  return null;
}

export function depth(node) {
  return isGroup(node) ? 1 + Math.max(0, ...node.conditions.map(depth)) : 0;
}
