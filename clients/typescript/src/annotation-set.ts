import type { Annotation } from "./gen/reticle/annotations/v1/annotations_pb.js";
import type { WatchEvent } from "./watch.js";

/** The annotations of an image, kept current by the events of a watch. */
export class AnnotationSet {
  readonly byId = new Map<string, Annotation>();

  /** Applies an event. */
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
