// Reticle for browsers and Node: typed clients over gRPC-web, and a watch that resumes.

export { createReticle, type Reticle, type ReticleOptions, type TokenSource } from "./reticle.js";
export { watch, type WatchEvent, type WatchOptions } from "./watch.js";
export { AnnotationSet } from "./annotation-set.js";
export { type FieldViolation, fieldViolations, retryDelayMs } from "./details.js";
export * from "./gen/reticle/annotations/v1/annotations_pb.js";
export * from "./gen/reticle/images/v1/images_pb.js";
