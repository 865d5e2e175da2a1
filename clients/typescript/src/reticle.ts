import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { AnnotationsService } from "./gen/reticle/annotations/v1/annotations_pb.js";
import { ImagesService } from "./gen/reticle/images/v1/images_pb.js";

/** A token, or what makes one for each call: a function can return a fresh one when the last has expired. */
export type TokenSource = string | (() => string | Promise<string>);

export interface ReticleOptions {
  /** Where the gateway is, as in `https://reticle.example`. */
  baseUrl: string;
  token: TokenSource;
  /** Makes the HTTP calls; the runtime's own `fetch` unless it is set. */
  fetch?: typeof globalThis.fetch;
}

/** The services, each as a typed client. */
export interface Reticle {
  images: Client<typeof ImagesService>;
  annotations: Client<typeof AnnotationsService>;
}

/** Clients over gRPC-web, with the token on every call. */
export function createReticle({ baseUrl, token, fetch }: ReticleOptions): Reticle {
  const options = { baseUrl, interceptors: [bearer(token)] };
  return over(createGrpcWebTransport(fetch ? { ...options, fetch } : options));
}

/** Clients over any transport of Connect's. */
export function over(transport: Transport): Reticle {
  return {
    images: createClient(ImagesService, transport),
    annotations: createClient(AnnotationsService, transport),
  };
}

function bearer(token: TokenSource): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    return next(request);
  };
}
