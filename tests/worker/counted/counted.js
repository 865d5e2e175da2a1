// Counts the statements that a Worker sends to its D1 binding, and the rows that they write.

let statements = 0;
let rowsWritten = 0;

/** The counts since the last call. Resets them to zero. */
export function takeCounts() {
  const counts = { statements, rows_written: rowsWritten };
  statements = 0;
  rowsWritten = 0;
  return counts;
}

/** The same binding or session, with counts. Reticle prepares a statement once for each run, so `prepare` is counted. */
export function counted(database) {
  const replaced = {
    withSession: (from) => counted(database.withSession(from)),
    prepare(sql) {
      statements += 1;
      return database.prepare(sql);
    },
    async batch(prepared) {
      const results = await database.batch(prepared);
      for (const { meta } of results) rowsWritten += meta.rows_written;
      return results;
    },
  };
  return new Proxy(database, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      const value = target[name];
      // The `worker` crate checks the type of a binding by its constructor's name.
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

/** `worker` with a counted database. `/counts` returns the counts and resets them. */
export function countedWorker(worker) {
  return {
    fetch(request, env, ctx) {
      if (new URL(request.url).pathname === "/counts") return Response.json(takeCounts());
      return worker.fetch(request, { ...env, DATABASE: counted(env.DATABASE) }, ctx);
    },
  };
}
