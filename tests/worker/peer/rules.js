// Reads new annotations and checks their rules.

import { invalid } from "./problem.js";

const MAX_BULK = 500;
const MIN_SIDE = 0.001;
const MAX_END = 1 + 1e-6 + Number.EPSILON;
const ID = /^[0-9a-f]{32}$/;
const CONTROL = /\p{Cc}/u;

/** The fields, by both spellings. */
const FIELDS = new Map(
  ["image_id", "label", "x", "y", "width", "height", "confidence", "model"].flatMap((name) => [
    [name, name],
    [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), name],
  ]),
);
const TEXTS = new Set(["image_id", "label", "model"]);

/** The annotations of a body, each with all its fields. Throws if a value is invalid. */
export function readAnnotations(body) {
  const violations = [];
  const reject = (field, description) => violations.push({ field, description });
  const annotations = read(body, reject);
  if (violations.length > 0) throw invalid(violations);
  if (annotations.length < 1 || annotations.length > MAX_BULK) {
    reject("annotations", `must hold 1 to ${MAX_BULK} annotations, not ${annotations.length}`);
    throw invalid(violations);
  }
  annotations.forEach((annotation, index) =>
    check(annotation, (field, rule) => reject(`annotations[${index}].${field}`, rule)),
  );
  if (violations.length > 0) throw invalid(violations);
  return annotations;
}

/** Rejects unknown fields and values of another type, before any rule is checked. */
function read(body, reject) {
  if (!isObject(body)) {
    reject("body", "must be an object");
    return [];
  }
  for (const name of Object.keys(body)) if (name !== "annotations") reject(name, "is not a known field");
  const list = body.annotations ?? [];
  if (!Array.isArray(list)) {
    reject("annotations", "must be an array");
    return [];
  }
  return list.map((value, index) => readAnnotation(value, `annotations[${index}]`, reject));
}

function readAnnotation(value, path, reject) {
  const annotation = { image_id: "", label: "", x: 0, y: 0, width: 0, height: 0, confidence: null, model: "" };
  if (!isObject(value)) {
    reject(path, value === null ? "must not be null" : "must be an object");
    return annotation;
  }
  for (const [name, field] of Object.entries(value)) {
    const known = FIELDS.get(name);
    if (!known) reject(`${path}.${name}`, "is not a known field");
    else if (field !== null) annotation[known] = readField(known, field, (rule) => reject(`${path}.${known}`, rule));
  }
  return annotation;
}

function readField(name, value, reject) {
  if (TEXTS.has(name)) {
    if (typeof value !== "string") reject("must be a string");
    return value;
  }
  const number = numberOf(value);
  if (number === undefined) reject("must be a number");
  // Adding zero turns -0 into 0.
  return number + 0;
}

/** In protobuf JSON, a number may be a string. */
function numberOf(value) {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() !== value || value === "") return undefined;
  const number = Number(value);
  return Number.isNaN(number) && value !== "NaN" ? undefined : number;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check({ image_id, label, x, y, width, height, confidence, model }, reject) {
  if (!ID.test(image_id)) reject("image_id", "must be 32 lower-case hex digits");
  const length = characters(label);
  if (length < 1 || length > 100) reject("label", "must be 1 to 100 characters");
  else if (CONTROL.test(label)) reject("label", "must not hold control characters");
  if (!isFraction(x)) reject("x", "must be between 0 and 1");
  if (!isFraction(y)) reject("y", "must be between 0 and 1");
  if (!isSide(width)) reject("width", `must be between ${MIN_SIDE} and 1`);
  if (!isSide(height)) reject("height", `must be between ${MIN_SIDE} and 1`);
  if (endsOutside(x, width)) reject("width", "must end within the image: x + width is at most 1");
  if (endsOutside(y, height)) reject("height", "must end within the image: y + height is at most 1");
  if (confidence !== null && !isFraction(confidence)) reject("confidence", "must be between 0 and 1");
  if (characters(model) > 200) reject("model", "must be at most 200 characters");
  else if (CONTROL.test(model)) reject("model", "must not hold control characters");
}

/** The number of Unicode scalar values, not of UTF-16 units. */
function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function isFraction(value) {
  return value >= 0 && value <= 1;
}

/** False if one of the two numbers is already invalid: that is reported separately. */
function endsOutside(start, length) {
  return isFraction(start) && isSide(length) && start + length > MAX_END;
}

function isSide(value) {
  return value >= MIN_SIDE && value <= 1;
}
