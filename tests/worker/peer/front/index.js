// Forwards requests with the header `x-backend: peer` to the peer, and all others to Reticle. Both run in one runtime behind
// this same hop, so it costs both the same.

export default {
  fetch(request, env) {
    const backend = request.headers.get("x-backend") === "peer" ? env.PEER : env.RETICLE;
    return backend.fetch(request);
  },
};
