// Two routes of Reticle in plain JavaScript, written from the contract alone: what one would write who has only these.
// It answers as Reticle does, in words too.

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
    // A client reads its own writes, whichever replica answers, by the bookmark of its answer before.
    const database = env.DATABASE.withSession(request.headers.get(BOOKMARK) ?? "first-unconstrained");
    try {
      const { status, body, headers } = await route(request, env, database);
      return answer(status, body, { ...headers, [BOOKMARK]: database.getBookmark(), "x-request-id": requestId });
    } catch (error) {
      const problem = error instanceof Problem ? error : internal(error);
      return answer(problem.status, problem.body(requestId), { ...problem.headers, "x-request-id": requestId });
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

function answer(status, body, headers) {
  return Response.json(body, { status, headers: { ...HEADERS, ...headers } });
}

/** The cause is for the log alone. */
function internal(error) {
  console.error(error);
  return new Problem(500, "INTERNAL", "INTERNAL", "Internal error");
}
