// Only for tests: the built images Worker, with a D1 that rejects every call as overloaded.

import worker from "../../../services/worker/images/worker.js";

const TEXT = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";

/** `object` with some of its methods replaced. */
function withMethods(object, methods) {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return methods[name];
      const value = target[name];
      // The `worker` crate checks the type of a binding by its constructor's name.
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

function overloaded(database) {
  return withMethods(database, {
    withSession: (from) => overloaded(database.withSession(from)),
    prepare: (sql) => overloadedStatement(database.prepare(sql)),
    batch: () => Promise.reject(new Error(TEXT)),
  });
}

function overloadedStatement(statement) {
  return withMethods(statement, {
    bind: (...values) => overloadedStatement(statement.bind(...values)),
    raw: () => Promise.reject(new Error(TEXT)),
  });
}

export default {
  fetch: (request, env, ctx) => worker.fetch(request, { ...env, DATABASE: overloaded(env.DATABASE) }, ctx),
};
