// Each function makes all calls of a D1 binding for one request, so that Wasm calls JavaScript once: a statement takes half a
// dozen calls of the binding, and each call across the boundary costs time. A table is JSON, the column names before the rows.

/** Runs a statement in a session that starts at `from`. Returns the session's bookmark, and the table. */
export async function read(database, from, sql, parameters) {
  const session = database.withSession(from);
  const table = await prepared(session, sql, parameters).raw({ columnNames: true });
  return [session.getBookmark(), JSON.stringify(table)];
}

/**
 * Runs statements, each as its SQL and its parameters, in one transaction. Returns the session's bookmark, and for each
 * statement how many rows it changed, and its table.
 */
export async function write(database, from, statements) {
  const session = database.withSession(from);
  const results = await session.batch(statements.map(([sql, parameters]) => prepared(session, sql, parameters)));
  const outcomes = results.flatMap(({ meta, results: rows }) => [meta.changes ?? 0, JSON.stringify(table(rows ?? []))]);
  return [session.getBookmark(), ...outcomes];
}

function prepared(session, sql, parameters) {
  return session.prepare(sql).bind(...parameters);
}

/** Makes a table of the rows of a batch, each of which is an object. */
function table(rows) {
  const [first] = rows;
  return first ? [Object.keys(first), ...rows.map(Object.values)] : [];
}
