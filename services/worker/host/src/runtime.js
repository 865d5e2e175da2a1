// What passes between the runtime and the wasm of a Worker, in one call each: every call across costs, and so does every
// object of the runtime that is seen from there.

/** The method and the URL of a request, and its headers. */
export function requestHead({ method, url, headers }) {
  return `${method}\n${url}${fields(headers)}`;
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

/** A response with `headers`, which are JSON. */
export function answer(status, headers, body) {
  return new Response(body, { status, headers: JSON.parse(headers) });
}
