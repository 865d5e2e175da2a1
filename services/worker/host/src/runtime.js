// What passes between the runtime and the wasm of a Worker, in one call each: every call across costs, and so does every
// object of the runtime that is seen from there.

/** The method and the URL of a request, and its headers. */
export function requestHead({ method, url, headers }) {
  return `${method}\n${url}${fields(headers)}`;
}

/** The bytes of a request. */
export function bytes(request) {
  return request.bytes();
}

/** The status of a response, and its headers. */
export function responseHead({ status, headers }) {
  return `${status}${fields(headers)}`;
}

/** Each name and each value on a line of its own; neither can hold a line break. To iterate would make two objects each. */
function fields(headers) {
  let lines = "";
  headers.forEach((value, name) => {
    lines += `\n${name}\n${value}`;
  });
  return lines;
}

/** Calls `url` at a bound Worker, or where the URL says; `headers` are JSON. A gRPC call is never redirected. */
export function call(bound, url, method, headers, body) {
  return (bound ?? globalThis).fetch(url, { method, headers: JSON.parse(headers), body, redirect: "manual" });
}

/**
 * What `call` comes to: the head of the response, and its body. That is its bytes if it says that there are at most
 * `maxWhole`, else its stream, or null if there is none; and the problem where the bytes broke off.
 */
export async function exchange(bound, url, method, headers, body, maxWhole) {
  const response = await call(bound, url, method, headers, body);
  return [responseHead(response), await received(response, maxWhole)];
}

async function received(response, maxWhole) {
  const length = response.headers.get("content-length");
  const isShort = length !== null && Number(length) <= maxWhole;
  if (!isShort) return response.body;
  try {
    return await response.bytes();
  } catch (problem) {
    return problem;
  }
}

/** A response with `headers`, which are JSON. */
export function answer(status, headers, body) {
  return new Response(body, { status, headers: JSON.parse(headers) });
}
