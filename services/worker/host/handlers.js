// The event handlers of a Worker, as calls of the class that worker-build generates from its crate.
//
// Workaround: the runtime creates an instance of the class that worker-build exports for each event, behind a proxy, with
// another proxy around each method. In a read through two Workers that was a twentieth of the CPU time. The methods need
// neither. After a panic, the generated code below them starts a new instance with the next call.

/** The handlers of the Worker whose class is `Built`, for its `export default`. */
export function handlers(Built) {
  const { fetch, scheduled } = Built.prototype;
  const on = { fetch: (request, env, ctx) => fetch.call({ env, ctx }, request) };
  if (scheduled) on.scheduled = (event, env, ctx) => scheduled.call({ env, ctx }, event);
  return on;
}
