// What a page does that shows an image's boxes.
import { Boxes, createReticle, watch } from "../../clients/typescript/src/index.ts";

/** Watches until a box with the label `last`; answers each box's etag. */
async function until({ baseUrl, token, imageId, last }) {
  const boxes = new Boxes();
  const told = new Set();
  for await (const event of watch(createReticle({ baseUrl, token }), imageId)) {
    boxes.apply(event);
    const once = event.type === "changed" ? `${event.annotation.id} ${event.annotation.etag}` : event.id;
    if (event.type === "reset") throw new Error("the history is known, and there is a reset");
    if (once && told.has(once)) throw new Error(`${once} is told twice`);
    if (once) told.add(once);
    if (event.type === "changed" && event.annotation.label === last) break;
  }
  return Object.fromEntries([...boxes.byId].map(([id, { etag }]) => [id, etag]));
}

globalThis.watcher = { until };
