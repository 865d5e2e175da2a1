import type { Annotation } from "./gen/reticle/annotations/v1/annotations_pb.js";
import type { WatchEvent } from "./watch.js";

/** An image's boxes, as the events of a watcher make them. */
export class Boxes {
  readonly byId = new Map<string, Annotation>();

  /** Takes an event in. */
  apply(event: WatchEvent): void {
    switch (event.type) {
      case "changed":
        this.byId.set(event.annotation.id, event.annotation);
        return;
      case "removed":
        this.byId.delete(event.id);
        return;
      case "reset":
        this.byId.clear();
        return;
      case "current":
        return;
    }
  }
}
