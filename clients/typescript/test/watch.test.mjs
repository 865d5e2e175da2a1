import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";

import { AnnotationsService, createReticle, watch } from "../dist/index.js";
import { RetryInfoSchema } from "../dist/gen/google/rpc/error_details_pb.js";
import { over } from "../dist/reticle.js";

const changed = (id, resumeToken) => ({ event: { case: "changed", value: { id } }, resumeToken });
const current = (resumeToken) => ({ event: { case: "current", value: {} }, resumeToken });

/** A service that runs one script for each call, and the resume tokens that it was called with. */
function scripted(...scripts) {
  const tokens = [];
  const transport = createRouterTransport(({ service }) => {
    service(AnnotationsService, {
      async *watchAnnotations({ resumeToken }, context) {
        const script = scripts[Math.min(tokens.push(resumeToken), scripts.length) - 1];
        for (const step of script) {
          if (step instanceof Error) throw step;
          if (step === "silence") await new Promise((end) => context.signal.addEventListener("abort", end));
          else yield step;
        }
      },
    });
  });
  return { reticle: over(transport), tokens };
}

/** Returns the first events of a watch, as `type` or `type id`. */
async function first(count, reticle, options) {
  const events = [];
  for await (const event of watch(reticle, "image", options)) {
    events.push(event.type === "changed" ? `changed ${event.annotation.id}` : event.type);
    if (events.length === count) break;
  }
  return events;
}

test("a watch resumes with its last token after a failure and after an end", async () => {
  const away = new ConnectError("away", Code.Unavailable);
  const { reticle, tokens } = scripted([changed("a", "1"), away], [changed("b", "2")], [current("3")]);
  assert.deepEqual(await first(3, reticle, { resumeToken: "0" }), ["changed a", "changed b", "current"]);
  assert.deepEqual(tokens, ["0", "1", "2"]);
});

test("errors that a retry does not change are thrown", async () => {
  for (const code of [Code.NotFound, Code.PermissionDenied, Code.InvalidArgument]) {
    const { reticle, tokens } = scripted([new ConnectError("no", code)]);
    await assert.rejects(first(1, reticle), { code });
    assert.equal(tokens.length, 1);
  }
});

test("an expired token is replaced once", async () => {
  const expired = new ConnectError("expired", Code.Unauthenticated);
  const { reticle } = scripted([expired], [current("1"), expired], [expired]);
  const watching = watch(reticle, "image");
  assert.equal((await watching.next()).value.type, "current");
  await assert.rejects(watching.next(), { code: Code.Unauthenticated });
});

test("a token function that fails ends a watch with its error", async () => {
  const cause = new Error("signed out");
  const stop = new AbortController();
  const token = mock.fn(async () => {
    if (token.mock.callCount() > 2) stop.abort();
    throw cause;
  });
  const fetch = mock.fn();
  const reticle = createReticle({ baseUrl: "https://reticle.example", token, fetch });
  await assert.rejects(first(1, reticle, { signal: stop.signal }), { code: Code.Unauthenticated, cause });
  assert.deepEqual([token.mock.callCount(), fetch.mock.callCount()], [2, 0], "a second token is asked for, nothing is sent");
});

test("the server's retry delay is respected", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const busy = new ConnectError("busy", Code.ResourceExhausted, undefined, [
      { desc: RetryInfoSchema, value: { retryDelay: { seconds: 7n } } },
    ]);
    const { reticle, tokens } = scripted([busy], [current("1")]);
    const next = watch(reticle, "image").next();
    await settled();
    mock.timers.tick(6_999);
    await settled();
    assert.equal(tokens.length, 1);
    mock.timers.tick(1);
    assert.equal((await next).value.type, "current");
  } finally {
    mock.timers.reset();
  }
});

test("a silent connection is replaced", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { reticle, tokens } = scripted([current("1"), "silence"], [current("2")]);
    const watching = watch(reticle, "image");
    await watching.next();
    const next = watching.next();
    await settled();
    mock.timers.tick(40_000);
    await settled();
    mock.timers.tick(1_000);
    assert.equal((await next).value.resumeToken, "2");
    assert.deepEqual(tokens, ["", "1"]);
  } finally {
    mock.timers.reset();
  }
});

test("a signal ends a watch without an error", async () => {
  const { reticle } = scripted([current("1"), "silence"]);
  const stop = new AbortController();
  const watching = watch(reticle, "image", { signal: stop.signal });
  await watching.next();
  const next = watching.next();
  stop.abort();
  assert.equal((await next).done, true);
});

test("an unknown kind of event is skipped", async () => {
  const { reticle } = scripted([{ event: { case: undefined }, resumeToken: "1" }, current("2")]);
  assert.deepEqual(await first(1, reticle), ["current"]);
});

/** Runs everything that waits for no timer. */
async function settled() {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}
