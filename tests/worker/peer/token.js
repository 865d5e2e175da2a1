// Authenticates callers by HS256 tokens (RFC 7519), with WebCrypto.

import { Problem } from "./problem.js";

const LEEWAY_SECONDS = 10;
const MAX_TOKEN_BYTES = 8 * 1024;
const DEFAULT_SCOPES = ["images:read", "images:write", "annotations:read", "annotations:write"];

let key;

/** The caller of a request. Throws unless its token is valid and has `scope`. */
export async function authenticate(request, env, scope) {
  const header = request.headers.get("authorization");
  if (header === null) {
    throw unauthenticated("TOKEN_MISSING", "A token is needed: send `authorization: Bearer …`", "Bearer");
  }
  const token = /^bearer +([^ ,]+) *$/i.exec(header)?.[1];
  if (!token) throw invalidToken("`authorization` must be sent once, as `Bearer …`");
  if (token.length > MAX_TOKEN_BYTES) throw invalidToken(`it is longer than ${MAX_TOKEN_BYTES} bytes`);
  const caller = callerOf(await verify(token, env));
  if (!caller.scopes.includes(scope)) {
    throw new Problem(403, "PERMISSION_DENIED", "SCOPE_MISSING", `The token lacks the scope \`${scope}\``, {
      headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
    });
  }
  return caller;
}

/** The claims of a token. Throws unless the secret has signed it. */
async function verify(token, env) {
  const parts = token.split(".");
  if (parts.length !== 3) throw malformed();
  const { alg, crit } = json(parts[0]);
  if (alg !== "HS256") throw invalidToken("its algorithm (`alg`) is not accepted by this server");
  if (crit !== undefined) throw invalidToken("its header requires an extension (`crit`) that is not supported");
  key ??= await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(env.RETICLE_JWT_SECRET),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const message = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
  if (!(await crypto.subtle.verify("HMAC", key, bytes(parts[2]), message))) {
    throw invalidToken("its signature does not match");
  }
  return json(parts[1]);
}

function callerOf({ sub, exp, nbf, scope }) {
  const now = Date.now() / 1000;
  if (typeof exp !== "number") throw invalidToken("it has no `exp`");
  if (exp + LEEWAY_SECONDS <= now) throw expired();
  if (typeof nbf === "number" && nbf - LEEWAY_SECONDS > now) {
    const message = `The token is not valid yet: its \`nbf\` is more than ${LEEWAY_SECONDS} seconds in the future`;
    throw unauthenticated("TOKEN_NOT_YET_VALID", message);
  }
  if (sub === undefined) throw invalidToken("it has no `sub`");
  if (typeof sub !== "string" || !/^\P{Cc}{1,255}$/u.test(sub)) {
    throw invalidToken("its `sub` must be 1 to 255 characters without control characters");
  }
  return { id: sub, scopes: scope === undefined ? DEFAULT_SCOPES : scope.trim().split(/\s+/) };
}

/** Whether images of `owner` are visible to this caller. */
export function canSee(caller, owner) {
  return caller.id === owner || caller.scopes.includes("owners:any");
}

function bytes(part) {
  try {
    return Uint8Array.fromBase64(part, { alphabet: "base64url" });
  } catch {
    throw malformed();
  }
}

function json(part) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes(part)));
  } catch {
    throw malformed();
  }
}

function malformed() {
  return invalidToken("it is not a signed JWT");
}

function invalidToken(why) {
  return unauthenticated("TOKEN_INVALID", `The token is not valid: ${why}`);
}

function expired() {
  return unauthenticated("TOKEN_EXPIRED", "The token has expired");
}

function unauthenticated(reason, message, challenge = 'Bearer error="invalid_token"') {
  return new Problem(401, "UNAUTHENTICATED", reason, message, { headers: { "www-authenticate": challenge } });
}
