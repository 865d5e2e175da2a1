// Reticle, or the peer for requests with the header `x-backend: peer`. One port of one runtime answers for both, and
// both stand behind this same hop: it costs either of them as much.

export default {
  fetch(request, env) {
    const backend = request.headers.get("x-backend") === "peer" ? env.PEER : env.RETICLE;
    return backend.fetch(request);
  },
};
