import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { AnnotationsService } from "./gen/reticle/annotations/v1/annotations_pb.js";
import { ImagesService } from "./gen/reticle/images/v1/images_pb.js";

/**
 * A token, or a function that is called before each call, so that it can replace an expired token. If the function throws, the
 * call fails with `Code.Unauthenticated`, with that error as its cause.
 */
export type TokenSource = string | (() => string | Promise<string>);

export interface ReticleOptions {
  /** The gateway's URL, such as `https://reticle.example`. */
  baseUrl: string;
  token: TokenSource;
  /** Makes the HTTP calls; the runtime's `fetch` by default. */
  fetch?: typeof globalThis.fetch;
}

/** A typed client of each service. */
export interface Reticle {
  images: Client<typeof ImagesService>;
  annotations: Client<typeof AnnotationsService>;
}

/** Creates clients over gRPC-web that send the token with each call. */
export function createReticle({ baseUrl, token, fetch }: ReticleOptions): Reticle {
  const options = { baseUrl, interceptors: [bearer(token)] };
  return over(createGrpcWebTransport(fetch ? { ...options, fetch } : options));
}

/** Creates clients over any Connect transport. */
export function over(transport: Transport): Reticle {
  return {
    images: createClient(ImagesService, transport),
    annotations: createClient(AnnotationsService, transport),
  };
}

function bearer(token: TokenSource): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${typeof token === "string" ? token : await read(token)}`);
    return next(request);
  };
}

/** Without a token, a retry does not change the result: so the error gets a code that is not retried. */
async function read(token: () => string | Promise<string>): Promise<string> {
  try {
    return await token();
  } catch (cause) {
    throw new ConnectError("the token function failed", Code.Unauthenticated, undefined, undefined, cause);
  }
}
