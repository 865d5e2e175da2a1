// The events of a Worker, as calls of what worker-build made of its crate.
//
// The class that worker-build exports is made anew for each event, behind a proxy, with another around each method: in a
// read through two Workers that was a twentieth of the CPU time. The methods do without. After a panic it is the generated
// code below them that starts a new instance, with the next call.

/** The handlers of the Worker whose class is `Built`, for its `export default`. */
export function handlers(Built) {
  const { fetch, scheduled } = Built.prototype;
  const on = { fetch: (request, env, ctx) => fetch.call({ env, ctx }, request) };
  if (scheduled) on.scheduled = (event, env, ctx) => scheduled.call({ env, ctx }, event);
  return on;
}
