// Two routes of Reticle in plain JavaScript, written from the API contract alone, as a developer would who needs only these.
// Its responses are the same as Reticle's, including the error messages.

import { createAll } from "./annotations.js";
import { getImage } from "./images.js";
import { Problem } from "./problem.js";

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const BOOKMARK = "x-reticle-bookmark";
const IMAGE_PATH = /^\/api\/images\/([^/]+)$/;

export default {
  async fetch(request, env) {
    const requestId = request.headers.get("x-request-id") ?? crypto.randomUUID();
    // With the bookmark of its last response, a client reads its own writes from any replica.
    const database = env.DATABASE.withSession(request.headers.get(BOOKMARK) ?? "first-unconstrained");
    try {
      const { status, body, headers } = await route(request, env, database);
      return respond(status, body, { ...headers, [BOOKMARK]: database.getBookmark(), "x-request-id": requestId });
    } catch (error) {
      const problem = error instanceof Problem ? error : internal(error);
      return respond(problem.status, problem.body(requestId), { ...problem.headers, "x-request-id": requestId });
    }
  },
};

function route(request, env, database) {
  const { pathname } = new URL(request.url);
  if (request.method === "POST" && pathname === "/api/annotations/bulk") return createAll(request, env, database);
  const image = request.method === "GET" && IMAGE_PATH.exec(pathname);
  if (image) return getImage(request, env, database, decodeURIComponent(image[1]));
  throw new Problem(404, "NOT_FOUND", "NO_SUCH_PATH", "There is nothing at this path");
}

function respond(status, body, headers) {
  return Response.json(body, { status, headers: { ...HEADERS, ...headers } });
}

/** Writes the cause to the log only. */
function internal(error) {
  console.error(error);
  return new Problem(500, "INTERNAL", "INTERNAL", "Internal error");
}
