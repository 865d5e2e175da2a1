// `POST /api/annotations/bulk`, with one INSERT for each annotation, all in one batch.

import { Problem, imageNotFound } from "./problem.js";
import { readAnnotations } from "./rules.js";
import { authenticate, canSee } from "./token.js";

const MAX_BODY_BYTES = 4 * 1024 * 1024;

const INSERT = `
  INSERT INTO annotations (image_id, id, label, x, y, width, height, confidence, model,
                           created_by, created_at, updated_at, revision)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`;

export async function createAll(request, env, database) {
  const caller = await authenticate(request, env, "annotations:write");
  const annotations = readAnnotations(await body(request));
  await requireImages(database, caller, annotations);
  const now = Date.now();
  const ids = newIds(now, annotations.length);
  const insert = database.prepare(INSERT);
  const inserts = annotations.map(({ image_id, label, x, y, width, height, confidence, model }, index) =>
    insert.bind(image_id, ids[index], label, x, y, width, height, confidence, model, caller.id, now, now),
  );
  try {
    await database.batch(inserts);
  } catch (error) {
    // An image may be purged after the check. The database does not report which one.
    if (String(error).includes("FOREIGN KEY")) await requireImages(database, caller, annotations);
    throw error;
  }
  return { status: 201, body: { inserted: ids.length, total: annotations.length, ids } };
}

async function body(request) {
  if (!/^application\/json *(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    const message = "The body must be application/json";
    throw new Problem(415, "INVALID_ARGUMENT", "UNSUPPORTED_MEDIA_TYPE", message);
  }
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > MAX_BODY_BYTES) {
    const message = `The body is larger than ${MAX_BODY_BYTES} bytes`;
    const metadata = { max_bytes: String(MAX_BODY_BYTES) };
    throw new Problem(413, "INVALID_ARGUMENT", "BODY_TOO_LARGE", message, { metadata });
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const message = `The body is not valid JSON: ${error.message}`;
    throw new Problem(400, "INVALID_ARGUMENT", "INVALID_JSON", message);
  }
}

/** Throws for the first image that does not exist or is not visible to the caller. */
async function requireImages(database, caller, annotations) {
  const ids = [...new Set(annotations.map((annotation) => annotation.image_id))];
  const { results } = await database.prepare(
    `SELECT id, uploaded_by FROM images
     WHERE id IN (SELECT value FROM json_each(?)) AND deleted_at IS NULL`,
  )
    .bind(JSON.stringify(ids))
    .all();
  const visible = new Set(results.filter((image) => canSee(caller, image.uploaded_by)).map((image) => image.id));
  const missing = annotations.findIndex((annotation) => !visible.has(annotation.image_id));
  if (missing >= 0) throw imageNotFound(annotations[missing].image_id, `annotations[${missing}].image_id`);
}

/** UUIDv7s in ascending order, without dashes: the counter is in `rand_a` (RFC 9562 section 6.2, method 1). */
function newIds(now, count) {
  const time = now.toString(16).padStart(12, "0");
  const random = crypto.getRandomValues(new BigUint64Array(count + 1));
  const start = Number(random[count] & 0x7ffn);
  return Array.from({ length: count }, (_, index) => {
    const counter = (start + index).toString(16).padStart(3, "0");
    const rest = (random[index] & 0x3fff_ffff_ffff_ffffn) | 0x8000_0000_0000_0000n;
    return `${time}7${counter}${rest.toString(16)}`;
  });
}
