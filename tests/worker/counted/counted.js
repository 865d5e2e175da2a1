// Counts what a Worker asks of its D1 binding; the binding itself answers.

let statements = 0;
let rowsWritten = 0;

/** What was asked since the last time; the next count begins at nothing. */
export function take() {
  const counts = { statements, rows_written: rowsWritten };
  statements = 0;
  rowsWritten = 0;
  return counts;
}

/** The same binding or session. Each statement is prepared once for each time that it runs. */
export function counted(database) {
  const instead = {
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
      if (Object.hasOwn(instead, name)) return instead[name];
      const value = target[name];
      // A Worker tells the type of a binding by its constructor's name.
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

/** `worker` with a database that is counted; `/counts` takes the count. */
export function countedWorker(worker) {
  return {
    fetch(request, env, ctx) {
      if (new URL(request.url).pathname === "/counts") return Response.json(take());
      return worker.fetch(request, { ...env, DATABASE: counted(env.DATABASE) }, ctx);
    },
  };
}
