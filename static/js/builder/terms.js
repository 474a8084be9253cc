// What the choices are called. What exists (operators by type, attributes, events) comes from the catalogue.

const COMMON = { is_null: "has no value", is_not_null: "has any value", "=": "is", "!=": "is not", in: "is one of", not_in: "is none of", between: "is between" };
const NUMBER = { ">": "is more than", ">=": "is at least", "<": "is less than", "<=": "is at most" };
const INSTANT = { "=": "is exactly", ">": "is later than", ">=": "is at or after", "<": "is earlier than", "<=": "is at or before" };
const DATE = {
  before: "is before", after: "is after", on: "is on", in_last: "was in the last", not_in_last: "was not in the last", in_next: "is in the next",
  anniversary_in_next: "has its anniversary in the next", anniversary_in_last: "had its anniversary in the last",
};
const LABELS = {
  text: { ...COMMON, contains: "contains", not_contains: "does not contain", starts_with: "starts with", ends_with: "ends with", matches: "matches the pattern" },
  number: { ...COMMON, ...NUMBER },
  boolean: COMMON,
  date: { ...COMMON, ...INSTANT, ...DATE },
  datetime: { ...COMMON, ...INSTANT, ...DATE },
  list: { ...COMMON, contains: "contains", contains_any: "contains any of", contains_all: "contains all of", contains_none: "contains none of" },
};

export const operatorLabel = (type, operator) => LABELS[type]?.[operator] ?? operator;

export const TYPES = ["text", "number", "boolean", "date", "datetime", "list"];
export const TYPE_LABELS = { text: "text", number: "number", boolean: "yes or no", date: "date", datetime: "date and time", list: "list" };

export const BARE = new Set(["is_null", "is_not_null"]);
export const MANY = new Set(["in", "not_in", "contains_any", "contains_all", "contains_none"]);
export const RELATIVE = new Set(["in_last", "not_in_last", "in_next", "anniversary_in_next", "anniversary_in_last"]);

export const AGGREGATES = [
  ["count", "number of times"], ["days", "on different days"], ["sum", "sum of"], ["avg", "average of"],
  ["min", "smallest"], ["max", "largest"], ["distinct", "different values of"],
];
export const NEEDS_PROPERTY = new Set(["sum", "avg", "min", "max", "distinct"]);
export const NUMERIC = new Set(["sum", "avg", "min", "max"]);

export const COMPARISONS = [
  [">=", "at least"], [">", "more than"], ["=", "exactly"], ["<=", "at most"], ["<", "less than"], ["!=", "not"], ["between", "between"],
];

export const UNITS = [["s", "seconds"], ["m", "minutes"], ["h", "hours"], ["d", "days"], ["w", "weeks"], ["mo", "months"], ["y", "years"]];

export const WINDOWS = [
  ["ever", "at any time"], ["last", "in the last"], ["beforeLast", "longer ago than"], ["from", "from … to"], ["after", "after"], ["before", "before"],
];

export const MEMBERSHIPS = [["now", "is in segment"], ["for", "has been in segment"], ["entered", "entered segment"], ["left", "left segment"], ["ever", "was ever in segment"]];

export const STATES = [["active", "is on the way through the flow"], ["completed", "has completed the flow"], ["exited", "has left the flow"], ["ever", "was ever in the flow"]];

export const CHANNELS = [["email", "email"], ["sms", "SMS"], ["whatsapp", "WhatsApp"]];

export const CONDITIONS = {
  PROPERTY: { label: "Attribute", icon: "tag", hint: "Any attribute: city, plan, birthday…" },
  EVENT: { label: "Event", icon: "zap", hint: "Anything they did, how often and when" },
  SEGMENT: { label: "Segment", icon: "layers", hint: "Is in another segment, or entered or left it" },
  LIST: { label: "List", icon: "list", hint: "Is on a list kept by hand" },
  FLOW: { label: "Flow", icon: "workflow", hint: "Is on the way through a flow, or has been" },
  REACHABILITY: { label: "Reachability", icon: "send", hint: "Can be reached on a channel, about a topic" },
  SAMPLE: { label: "Sample", icon: "chart-line", hint: "A stable share of contacts, for tests" },
  EVERYONE: { label: "Everyone", icon: "users", hint: "Every contact" },
};
