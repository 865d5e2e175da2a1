// The rules for new boxes.

import { invalid } from "./problem.js";

const MAX_BULK = 500;
const MIN_SIDE = 0.001;
const MAX_END = 1 + 1e-6 + Number.EPSILON;
const ID = /^[0-9a-f]{32}$/;
const CONTROL = /\p{Cc}/u;

/** The fields by either spelling. */
const FIELDS = new Map(
  ["image_id", "label", "x", "y", "width", "height", "confidence", "model"].flatMap((name) => [
    [name, name],
    [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), name],
  ]),
);
const TEXTS = new Set(["image_id", "label", "model"]);

/** The boxes of a body, each with all its fields. */
export function checkedBoxes(body) {
  const violations = [];
  const refuse = (field, description) => violations.push({ field, description });
  const boxes = read(body, refuse);
  if (violations.length > 0) throw invalid(violations);
  if (boxes.length < 1 || boxes.length > MAX_BULK) {
    refuse("annotations", `must hold 1 to ${MAX_BULK} annotations, not ${boxes.length}`);
    throw invalid(violations);
  }
  boxes.forEach((box, index) => check(box, (field, rule) => refuse(`annotations[${index}].${field}`, rule)));
  if (violations.length > 0) throw invalid(violations);
  return boxes;
}

/** Whatever is of another type, or unknown, is refused before any rule is asked. */
function read(body, refuse) {
  if (!isObject(body)) {
    refuse("body", "must be an object");
    return [];
  }
  for (const name of Object.keys(body)) if (name !== "annotations") refuse(name, "is not a known field");
  const list = body.annotations ?? [];
  if (!Array.isArray(list)) {
    refuse("annotations", "must be an array");
    return [];
  }
  return list.map((value, index) => readBox(value, `annotations[${index}]`, refuse));
}

function readBox(value, path, refuse) {
  const box = { image_id: "", label: "", x: 0, y: 0, width: 0, height: 0, confidence: null, model: "" };
  if (!isObject(value)) {
    refuse(path, value === null ? "must not be null" : "must be an object");
    return box;
  }
  for (const [name, field] of Object.entries(value)) {
    const known = FIELDS.get(name);
    if (!known) refuse(`${path}.${name}`, "is not a known field");
    else if (field !== null) box[known] = readField(known, field, (rule) => refuse(`${path}.${known}`, rule));
  }
  return box;
}

function readField(name, value, refuse) {
  if (TEXTS.has(name)) {
    if (typeof value !== "string") refuse("must be a string");
    return value;
  }
  const number = numberOf(value);
  if (number === undefined) refuse("must be a number");
  // Adding zero turns -0 into 0.
  return number + 0;
}

/** In JSON of protobuf a number may be quoted. */
function numberOf(value) {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() !== value || value === "") return undefined;
  const number = Number(value);
  return Number.isNaN(number) && value !== "NaN" ? undefined : number;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check({ image_id, label, x, y, width, height, confidence, model }, refuse) {
  if (!ID.test(image_id)) refuse("image_id", "must be 32 lower-case hex digits");
  const length = characters(label);
  if (length < 1 || length > 100) refuse("label", "must be 1 to 100 characters");
  else if (CONTROL.test(label)) refuse("label", "must not hold control characters");
  if (!isFraction(x)) refuse("x", "must be between 0 and 1");
  if (!isFraction(y)) refuse("y", "must be between 0 and 1");
  if (!isSide(width)) refuse("width", `must be between ${MIN_SIDE} and 1`);
  if (!isSide(height)) refuse("height", `must be between ${MIN_SIDE} and 1`);
  if (endsOutside(x, width)) refuse("width", "must end within the image: x + width is at most 1");
  if (endsOutside(y, height)) refuse("height", "must end within the image: y + height is at most 1");
  if (confidence !== null && !isFraction(confidence)) refuse("confidence", "must be between 0 and 1");
  if (characters(model) > 200) refuse("model", "must be at most 200 characters");
  else if (CONTROL.test(model)) refuse("model", "must not hold control characters");
}

/** Unicode scalar values, not UTF-16. */
function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function isFraction(value) {
  return value >= 0 && value <= 1;
}

/** Says nothing where one of the two numbers is wrong already. */
function endsOutside(start, length) {
  return isFraction(start) && isSide(length) && start + length > MAX_END;
}

function isSide(value) {
  return value >= MIN_SIDE && value <= 1;
}
