/** Calls `settle` with `key`, as if a promise had been kept, once `millis` have passed. */
export function start(millis, key, settle) {
  return setTimeout(settle, millis, key, true);
}

/** Forgets what `start` has begun. */
export function stop(timeout) {
  clearTimeout(timeout);
}
