import { Code, ConnectError } from "@connectrpc/connect";

import { retryDelayMs } from "./details.js";
import type { Annotation, WatchAnnotationsResponse } from "./gen/reticle/annotations/v1/annotations_pb.js";
import type { Reticle } from "./reticle.js";

/** An event of a watch. Store `resumeToken` to resume after this event. */
export type WatchEvent = { resumeToken: string } & (
  | { type: "changed"; annotation: Annotation }
  | { type: "removed"; id: string }
  /** All changes up to now were sent. */
  | { type: "current" }
  /** Discard all annotations of earlier events. All annotations follow. */
  | { type: "reset" }
);

export interface WatchOptions {
  /** Ends the watch, without an error. */
  signal?: AbortSignal;
  /** The token of the last event of an earlier watch of the image. */
  resumeToken?: string;
}

/** The server sends an event at least every 15 seconds. A connection that is silent for longer than this is broken. */
const SILENCE_MS = 40_000;

/** The first and the longest pause before a retry. Pauses double with each failure, with jitter. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

/** Codes that a retry does not change. */
const FATAL = new Set([
  Code.NotFound,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.InvalidArgument,
  Code.Unimplemented,
  Code.FailedPrecondition,
]);

/**
 * Yields an image's annotations, then each change, until the iteration stops. It reconnects and resumes after failures: no
 * event is missed or repeated. It throws errors that a retry does not change, such as `NotFound` or `PermissionDenied`.
 */
export async function* watch(
  reticle: Reticle,
  imageId: string,
  { signal, resumeToken = "" }: WatchOptions = {},
): AsyncGenerator<WatchEvent, void, undefined> {
  let failures = 0;
  let tokenRejected = false;
  while (!signal?.aborted) {
    let received = false;
    try {
      for await (const event of call(reticle, imageId, resumeToken, signal)) {
        received = true;
        failures = 0;
        tokenRejected = false;
        resumeToken = event.resumeToken;
        yield event;
      }
      // The server ends each call after some time, and the client reconnects. A call without an event counts as a failure.
      if (!received) await pause(backOff(failures++), signal);
    } catch (error) {
      if (signal?.aborted) return;
      const { code } = ConnectError.from(error);
      // The token may have expired during the call: the next call asks for another one.
      const expired = code === Code.Unauthenticated && !tokenRejected;
      tokenRejected ||= code === Code.Unauthenticated;
      if (FATAL.has(code) && !expired) throw error;
      await pause(expired ? 0 : Math.max(backOff(failures++), retryDelayMs(error) ?? 0), signal);
    }
  }
}

/** Runs one call until it ends or is silent for too long. */
async function* call(
  reticle: Reticle,
  imageId: string,
  resumeToken: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent, void, undefined> {
  const silence = new AbortController();
  const signals = signal ? [signal, silence.signal] : [silence.signal];
  const giveUp = () => silence.abort(new ConnectError(`no event for ${SILENCE_MS / 1000} s`, Code.Unavailable));
  let timer = setTimeout(giveUp, SILENCE_MS);
  try {
    const messages = reticle.annotations.watchAnnotations({ imageId, resumeToken }, { signal: AbortSignal.any(signals) });
    for await (const message of messages) {
      clearTimeout(timer);
      const event = decodeEvent(message);
      if (event) yield event;
      timer = setTimeout(giveUp, SILENCE_MS);
    }
  } finally {
    clearTimeout(timer);
    // Ends the call when the iteration stops.
    silence.abort();
  }
}

/** Decodes the event of a message; returns `undefined` for a kind that this version does not know. */
function decodeEvent({ event, resumeToken }: WatchAnnotationsResponse): WatchEvent | undefined {
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
