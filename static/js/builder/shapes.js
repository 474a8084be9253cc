// Which conditions the rows can show whole: those of known kinds, with nothing in them that a row has no control for.

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isText = (value) => typeof value === "string";
const isScalar = (value) => value === null || ["string", "number", "boolean"].includes(typeof value);
const optional = (fits) => (value) => value === undefined || fits(value);
const oneOf = (...values) => (value) => values.includes(value);

// Nothing but these keys, and each as it should be.
const object = (shape) => (value) => isObject(value) && Object.keys(value).every((key) => key in shape) && Object.entries(shape).every(([key, fits]) => fits(value[key]));

const flag = optional((value) => typeof value === "boolean");
const isValue = (value) => value === undefined || isScalar(value) || (Array.isArray(value) && value.every(isScalar)) || isTrigger(value);
// What the event carried that began the journey, or what a webhook of the flow answered.
export const isTrigger = (value) => isObject(value) && ["trigger", "node"].includes(Object.keys(value).join()) && isText(Object.values(value)[0]);
const compared = { propertyName: isText, operator: isText, value: isValue, caseSensitive: flag, negate: flag };

const WINDOW_FORMS = ["last", "from,to", "after", "before", "beforeLast", "since"];
const isWindow = (value) => isObject(value) && WINDOW_FORMS.includes(Object.keys(value).sort().join()) && Object.values(value).every(isText);
const FUNCTIONS = ["count", "sum", "avg", "min", "max", "distinct", "days"];
const isAmount = (value) => value === undefined || value === null || typeof value === "number" || (Array.isArray(value) && value.every((one) => one === null || typeof one === "number"));
const isAggregate = object({ function: optional(oneOf(...FUNCTIONS)), propertyName: optional(isText), operator: optional(isText), value: isAmount });
const isFilter = (value) => isObject(value);
const isFollowed = object({ eventName: isText, where: optional(isFilter), within: optional(isText), negate: flag, sameProperty: optional(isText) });

const KINDS = {
  PROPERTY: object({ type: isText, ...compared }),
  EVENT: object({
    type: isText, eventName: isText, aggregate: optional(isAggregate), window: optional(isWindow), where: optional(isFilter),
    occurrence: optional(oneOf("any", "first", "last")), followedBy: optional(isFollowed), negate: flag,
  }),
  SEGMENT: object({ type: isText, segment: isText, membership: optional(oneOf("now", "entered", "left", "ever")), window: optional(isWindow), for: optional(isText), negate: flag }),
  LIST: object({ type: isText, list: isText, negate: flag }),
  FLOW: object({ type: isText, flow: isText, state: optional(oneOf("active", "completed", "exited", "ever")), negate: flag }),
  REACHABILITY: object({ type: isText, channel: isText, topic: optional(isText), negate: flag }),
  SAMPLE: object({ type: isText, percent: (value) => value === undefined || value === null || typeof value === "number", salt: optional(isText), negate: flag }),
  EVERYONE: object({ type: isText, negate: flag }),
};
const isComparison = object(compared);

export function shows(value, parameter) {
  if (parameter) return isComparison(value);
  return Object.hasOwn(KINDS, value.type ?? "") && KINDS[value.type](value);
}

export const showsGroup = object({ operator: oneOf("AND", "OR"), conditions: (value) => Array.isArray(value), negate: flag });
