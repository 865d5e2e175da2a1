/** Calls `settle` with `key` after `millis`, as for a fulfilled promise. Returns the timeout for `stop`. */
export function start(millis, key, settle) {
  return setTimeout(settle, millis, key, true);
}

/** Cancels a timeout of `start`. */
export function stop(timeout) {
  clearTimeout(timeout);
}
