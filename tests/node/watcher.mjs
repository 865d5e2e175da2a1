// The code of a page that shows an image's annotations.
import { AnnotationSet, createReticle, watch } from "../../clients/typescript/src/index.ts";

/**
 * Watches until an annotation has the label `last` and `current` was received: before that, a snapshot may hold the last
 * change while earlier changes are still to come. Returns the etag of each annotation.
 */
async function until({ baseUrl, token, imageId, last }) {
  const annotations = new AnnotationSet();
  const received = new Set();
  let hasLast = false;
  let hasBeenCurrent = false;
  for await (const event of watch(createReticle({ baseUrl, token }), imageId)) {
    annotations.apply(event);
    const once = event.type === "changed" ? `${event.annotation.id} ${event.annotation.etag}` : event.id;
    if (event.type === "reset") throw new Error("there is a reset though the resume token is valid");
    if (once && received.has(once)) throw new Error(`${once} was received twice`);
    if (once) received.add(once);
    hasLast ||= event.type === "changed" && event.annotation.label === last;
    hasBeenCurrent ||= event.type === "current";
    if (hasLast && hasBeenCurrent) break;
  }
  return Object.fromEntries([...annotations.byId].map(([id, { etag }]) => [id, etag]));
}

globalThis.watcher = { until };
