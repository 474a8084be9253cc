// The document being edited: plain criteria JSON whose groups and conditions carry a private `_id`, with undo and redo.

const SAME_EDIT = 900; // milliseconds within which edits of one control are one step of undo
const DEEPEST = 8;

let last = 0;
export const fresh = (node) => ({ ...node, _id: `n${++last}` });
export const isGroup = (node) => Array.isArray(node.conditions);
const isNode = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Give every group and condition below an id.
export function adopt(node) {
  node._id = `n${++last}`;
  if (isGroup(node)) node.conditions = node.conditions.filter(isNode).map(adopt);
  if (isNode(node.where) && isGroup(node.where)) adopt(node.where);
  return node;
}

const tidy = (key, value) => (key.startsWith("_") ? undefined : value);
export const plain = (node) => JSON.parse(JSON.stringify(node, tidy));

export class Model {
  constructor(document) {
    this.load(document);
  }

  load(document) {
    const copy = isNode(document) ? structuredClone(document) : { operator: "AND", conditions: [] };
    this.original = isNode(document) && isGroup(copy) ? structuredClone(document) : null;
    this.root = adopt(isGroup(copy) ? copy : { operator: "AND", conditions: [copy] });
    this.past = [];
    this.future = [];
    this.touched = false;
  }

  // The document as it would be sent: null when it has no conditions, and word for word as it came while nothing was edited.
  get document() {
    if (!this.touched && this.original) return this.original.conditions.length ? this.original : null;
    return this.root.conditions.length ? plain(this.root) : null;
  }

  // Remember how things stand before a change; quick changes through one control count as one.
  remember(control = "") {
    const now = performance.now();
    const same = control && control === this.control && now - this.at < SAME_EDIT;
    Object.assign(this, { control, at: now, touched: true });
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

  // Where a node stands: the node, the list that holds it, its index, the groups above it (outermost first), its path.
  find(id, group = this.root, above = [], path = "") {
    if (group._id === id) return { node: group, list: null, index: 0, above, path };
    const here = [...above, group];
    for (const [index, node] of group.conditions.entries()) {
      const at = `${path ? `${path}.` : ""}conditions[${index}]`;
      if (node._id === id) return { node, list: group.conditions, index, above: here, path: at };
      const inner = isGroup(node) ? node : node.where;
      const found = inner?._id && this.find(id, inner, isGroup(node) ? here : [], isGroup(node) ? at : `${at}.where`);
      if (found) return found;
    }
    return null;
  }

  add(groupId, node) {
    this.remember();
    const made = adopt(node);
    this.find(groupId).node.conditions.push(made);
    return made;
  }

  remove(id) {
    this.remember();
    const { list, index, above } = this.find(id);
    list.splice(index, 1);
    return (list[index] ?? list[index - 1] ?? above.at(-1))._id;
  }

  duplicate(id) {
    this.remember();
    const { node, list, index } = this.find(id);
    const copy = adopt(plain(node));
    list.splice(index + 1, 0, copy);
    return copy._id;
  }

  wrap(id) {
    const { node, list, index, above } = this.find(id);
    if (above.length + depth(node) + 1 > DEEPEST) return false;
    this.remember();
    list[index] = fresh({ operator: "AND", conditions: [node] });
    return true;
  }

  // Take a node out of where it is and put it into a group at a place; false when that cannot be.
  put(id, groupId, index) {
    const from = this.find(id);
    const to = this.find(groupId);
    const inside = from.node._id === groupId || to.above.some((group) => group._id === id);
    const elsewhere = (to.above[0] ?? to.node) !== from.above[0]; // an event's parameters stay with their event
    if (inside || elsewhere || to.above.length + 1 + depth(from.node) > DEEPEST) return false;
    this.remember();
    from.list.splice(from.index, 1);
    const shifted = from.list === to.node.conditions && from.index < index ? index - 1 : index;
    to.node.conditions.splice(shifted, 0, from.node);
    return true;
  }

  // One place up (-1) or down (1): past a condition, into a group that stands there, or out of the group it is in.
  step(id, by) {
    const { list, index, above } = this.find(id);
    const group = above.at(-1);
    const beside = list[index + by];
    if (beside && isGroup(beside) && this.put(id, beside._id, by < 0 ? beside.conditions.length : 0)) return true;
    if (beside) return this.put(id, group._id, by < 0 ? index - 1 : index + 2);
    const outer = above.at(-2);
    return outer ? this.put(id, outer._id, outer.conditions.indexOf(group) + (by < 0 ? 0 : 1)) : false;
  }
}

export function depth(node) {
  return isGroup(node) ? 1 + Math.max(0, ...node.conditions.map(depth)) : 0;
}
