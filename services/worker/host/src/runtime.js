// Functions that the wasm of a Worker calls in the runtime. Each does its work in one call, because every call between wasm and
// the runtime is expensive, and so is every object of the runtime that wasm accesses.

/** The method and the URL of a request, and its headers. */
export function requestHead({ method, url, headers }) {
  return `${method}\n${url}${fields(headers)}`;
}

/** The bytes of the body of a request. */
export function bytes(request) {
  return request.bytes();
}

/** The status of a response, and its headers. */
export function responseHead({ status, headers }) {
  return `${status}${fields(headers)}`;
}

/** Each name and each value on its own line; neither can contain a line break. An iterator would create two objects per header. */
function fields(headers) {
  let lines = "";
  headers.forEach((value, name) => {
    lines += `\n${name}\n${value}`;
  });
  return lines;
}

/** Calls `url` at the Worker `bound`, or else at the host of the URL; `headers` are JSON. Redirects are not followed. */
export function call(bound, url, method, headers, body) {
  return (bound ?? globalThis).fetch(url, { method, headers: JSON.parse(headers), body, redirect: "manual" });
}

/**
 * Calls `call` and returns the head of the response and its body: the bytes if its `content-length` is at most
 * `maxBuffered`, else the stream, or null if there is none. If reading the bytes fails, the body is the error.
 */
export async function exchange(bound, url, method, headers, body, maxBuffered) {
  const response = await call(bound, url, method, headers, body);
  return [responseHead(response), await readBody(response, maxBuffered)];
}

async function readBody(response, maxBuffered) {
  const length = response.headers.get("content-length");
  const isShort = length !== null && Number(length) <= maxBuffered;
  if (!isShort) return response.body;
  try {
    return await response.bytes();
  } catch (problem) {
    return problem;
  }
}

/** Creates a response; `headers` are JSON. */
export function newResponse(status, headers, body) {
  return new Response(body, { status, headers: JSON.parse(headers) });
}
