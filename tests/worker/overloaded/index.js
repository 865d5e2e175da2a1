// Only for tests: the images Worker as it is built, on a D1 that has too much to do for any call.

import worker from "../../../services/worker/images/worker.js";

const TEXT = "D1_ERROR: D1 DB is overloaded. Requests queued for too long.";

/** `object`, but for some of its methods. */
function instead(object, methods) {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return methods[name];
      const value = target[name];
      // A Worker tells the type of a binding by its constructor's name.
      return typeof value === "function" && name !== "constructor" ? value.bind(target) : value;
    },
  });
}

function overloaded(database) {
  return instead(database, {
    withSession: (from) => overloaded(database.withSession(from)),
    prepare: (sql) => refusing(database.prepare(sql)),
    batch: () => Promise.reject(new Error(TEXT)),
  });
}

function refusing(statement) {
  return instead(statement, {
    bind: (...values) => refusing(statement.bind(...values)),
    raw: () => Promise.reject(new Error(TEXT)),
  });
}

export default {
  fetch: (request, env, ctx) => worker.fetch(request, { ...env, DATABASE: overloaded(env.DATABASE) }, ctx),
};
