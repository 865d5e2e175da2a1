// The code of a page that shows an image's annotations.
import { AnnotationSet, createReticle, watch } from "../../clients/typescript/src/index.ts";

/** Watches until an annotation has the label `last`. Returns the etag of each annotation. */
async function until({ baseUrl, token, imageId, last }) {
  const annotations = new AnnotationSet();
  const received = new Set();
  for await (const event of watch(createReticle({ baseUrl, token }), imageId)) {
    annotations.apply(event);
    const once = event.type === "changed" ? `${event.annotation.id} ${event.annotation.etag}` : event.id;
    if (event.type === "reset") throw new Error("there is a reset though the resume token is valid");
    if (once && received.has(once)) throw new Error(`${once} was received twice`);
    if (once) received.add(once);
    if (event.type === "changed" && event.annotation.label === last) break;
  }
  return Object.fromEntries([...annotations.byId].map(([id, { etag }]) => [id, etag]));
}

globalThis.watcher = { until };
