// `GET /api/images/{id}`.

import { imageNotFound, invalid } from "./problem.js";
import { authenticate, canSee } from "./token.js";

const ID = /^[0-9a-f]{32}$/;

export async function getImage(request, env, database, id) {
  const caller = await authenticate(request, env, "images:read");
  if (!ID.test(id)) throw invalid([{ field: "image_id", description: "must be 32 lower-case hex digits" }]);
  const row = await database.prepare("SELECT * FROM images WHERE id = ? AND deleted_at IS NULL").bind(id).first();
  if (!row || !canSee(caller, row.uploaded_by)) throw imageNotFound(id);
  const image = imageOf(row);
  return { status: 200, body: { image }, headers: { etag: `"${image.etag}"` } };
}

function imageOf(row) {
  return {
    id: row.id,
    filename: row.filename,
    r2_key: row.r2_key,
    content_type: row.content_type,
    size_bytes: row.size_bytes,
    sha256: row.sha256,
    width: row.width ?? undefined,
    height: row.height ?? undefined,
    exif_orientation: row.exif_orientation,
    uploaded_by: row.uploaded_by,
    created_at: timestamp(row.created_at),
    updated_at: timestamp(row.updated_at),
    metadata: JSON.parse(row.metadata),
    etag: `r${row.revision}`,
  };
}

/** A timestamp as in protobuf JSON: without a fraction if it is zero. */
function timestamp(millis) {
  return new Date(millis).toISOString().replace(".000Z", "Z");
}
