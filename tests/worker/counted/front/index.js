// The gateway, and at `/counts` the D1 counts of both services since the last request to it.

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname !== "/counts") return env.GATEWAY.fetch(request);
    const [images, annotations] = await Promise.all(
      [env.IMAGES, env.ANNOTATIONS].map(async (service) => (await service.fetch(request)).json()),
    );
    return Response.json({ images, annotations });
  },
};
