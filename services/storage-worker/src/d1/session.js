// What is asked of a D1 binding, in one call across from the wasm and back: a statement takes half a dozen, each of which
// costs. A table is JSON, with the columns' names ahead of the rows.

/** Runs a statement in a session that begins at `from`: the session's bookmark, and the table. */
export async function read(database, from, sql, parameters) {
  const session = database.withSession(from);
  const table = await prepared(session, sql, parameters).raw({ columnNames: true });
  return [session.getBookmark(), JSON.stringify(table)];
}

/**
 * Runs statements, each its SQL and its parameters, as one transaction: the session's bookmark, and for each how many
 * rows it changed, and its table.
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

/** A batch answers each row as an object. */
function table(rows) {
  const [first] = rows;
  return first ? [Object.keys(first), ...rows.map(Object.values)] : [];
}
