import { Code, ConnectError } from "@connectrpc/connect";

import { retryDelayMs } from "./details.js";
import type { Annotation, WatchAnnotationsResponse } from "./gen/reticle/annotations/v1/annotations_pb.js";
import type { Reticle } from "./reticle.js";

/** What a watcher is told. */
export type WatchEvent = { resumeToken: string } & (
  | { type: "changed"; annotation: Annotation }
  | { type: "removed"; id: string }
  /** Everything up to now has been told. */
  | { type: "current" }
  /** What was told before no longer holds: forget it. All boxes follow. */
  | { type: "reset" }
);

export interface WatchOptions {
  /** Ends the watch, without an error. */
  signal?: AbortSignal;
  /** Where an earlier watch of the image ended. */
  resumeToken?: string;
}

/** The server says something every 15 seconds. A connection that is silent for longer than this is dead. */
const SILENCE_MS = 40_000;

/** The first pause before a new try, and the longest. Each is up to twice the one before, at random. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

/** What no further try would change. */
const FATAL = new Set([
  Code.NotFound,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.InvalidArgument,
  Code.Unimplemented,
  Code.FailedPrecondition,
]);

/**
 * Tells an image's boxes, then each change, for as long as somebody iterates. Whatever breaks, it goes on where it was:
 * nothing is missed, and nothing is told twice. It throws what no further try would change: no such image, no right to it.
 */
export async function* watch(
  reticle: Reticle,
  imageId: string,
  { signal, resumeToken = "" }: WatchOptions = {},
): AsyncGenerator<WatchEvent, void, undefined> {
  let failures = 0;
  let refused = false;
  while (!signal?.aborted) {
    let told = false;
    try {
      for await (const event of call(reticle, imageId, resumeToken, signal)) {
        told = true;
        failures = 0;
        refused = false;
        resumeToken = event.resumeToken;
        yield event;
      }
      // The server ends calls from time to time, for the client to come back. One that told nothing is no such call.
      if (!told) await pause(backOff(failures++), signal);
    } catch (error) {
      if (signal?.aborted) return;
      const { code } = ConnectError.from(error);
      // A token may have expired while it was used: the next call asks for another.
      const expired = code === Code.Unauthenticated && !refused;
      refused ||= code === Code.Unauthenticated;
      if (FATAL.has(code) && !expired) throw error;
      await pause(expired ? 0 : Math.max(backOff(failures++), retryDelayMs(error) ?? 0), signal);
    }
  }
}

/** One call, until it ends or is silent for too long. */
async function* call(
  reticle: Reticle,
  imageId: string,
  resumeToken: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent, void, undefined> {
  const silence = new AbortController();
  const signals = signal ? [signal, silence.signal] : [silence.signal];
  const gaveUp = () => silence.abort(new ConnectError("the connection is silent", Code.Unavailable));
  let timer = setTimeout(gaveUp, SILENCE_MS);
  try {
    const messages = reticle.annotations.watchAnnotations({ imageId, resumeToken }, { signal: AbortSignal.any(signals) });
    for await (const message of messages) {
      clearTimeout(timer);
      const event = eventOf(message);
      if (event) yield event;
      timer = setTimeout(gaveUp, SILENCE_MS);
    }
  } finally {
    clearTimeout(timer);
    // Whoever stops iterating ends the call.
    silence.abort();
  }
}

/** The event of a message; none for a kind that this version does not know. */
function eventOf({ event, resumeToken }: WatchAnnotationsResponse): WatchEvent | undefined {
  switch (event.case) {
    case "changed":
      return { type: "changed", annotation: event.value, resumeToken };
    case "removed":
      return { type: "removed", id: event.value.id, resumeToken };
    case "current":
    case "reset":
      return { type: event.case, resumeToken };
    case undefined:
      return undefined;
  }
}

function backOff(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return longest / 2 + (Math.random() * longest) / 2;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
