/** Calls `settle` with `key`, whether the promise was fulfilled, and its value or its reason. */
export function watch(promise, key, settle) {
  promise.then((value) => settle(key, true, value), (reason) => settle(key, false, reason));
}
