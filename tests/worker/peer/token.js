// Who calls, by an HS256 token (RFC 7519), with WebCrypto.

import { Problem } from "./problem.js";

const LEEWAY_SECONDS = 10;
const MAX_TOKEN_BYTES = 8 * 1024;
const DEFAULT_SCOPES = ["images:read", "images:write", "annotations:read", "annotations:write"];

let key;

/** The caller of a request, if its token allows `scope`. */
export async function authenticate(request, env, scope) {
  const header = request.headers.get("authorization");
  if (header === null) {
    throw unauthenticated("TOKEN_MISSING", "A token is needed: send `authorization: Bearer …`", "Bearer");
  }
  const token = /^bearer +([^ ,]+) *$/i.exec(header)?.[1];
  if (!token) throw refused("`authorization` must be sent once, as `Bearer …`");
  if (token.length > MAX_TOKEN_BYTES) throw refused(`it is longer than ${MAX_TOKEN_BYTES} bytes`);
  const caller = callerOf(await verified(token, env));
  if (!caller.scopes.includes(scope)) {
    throw new Problem(403, "PERMISSION_DENIED", "SCOPE_MISSING", `The token lacks the scope \`${scope}\``, {
      headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
    });
  }
  return caller;
}

/** The claims of a token that the secret has signed. */
async function verified(token, env) {
  const parts = token.split(".");
  if (parts.length !== 3) throw malformed();
  const { alg, crit } = json(parts[0]);
  if (alg !== "HS256") throw refused("its algorithm is not accepted here");
  if (crit !== undefined) throw refused("its header demands an extension that is not known here");
  key ??= await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(env.RETICLE_JWT_SECRET),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const message = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
  if (!(await crypto.subtle.verify("HMAC", key, bytes(parts[2]), message))) {
    throw refused("its signature does not match");
  }
  return json(parts[1]);
}

function callerOf({ sub, exp, nbf, scope }) {
  const now = Date.now() / 1000;
  if (typeof exp !== "number") throw refused("it has no `exp`");
  if (exp + LEEWAY_SECONDS <= now) throw expired();
  if (typeof nbf === "number" && nbf - LEEWAY_SECONDS > now) {
    const message = `The token is not valid yet (more than ${LEEWAY_SECONDS} seconds ahead)`;
    throw unauthenticated("TOKEN_NOT_YET_VALID", message);
  }
  if (sub === undefined) throw refused("it has no `sub`");
  if (typeof sub !== "string" || !/^\P{Cc}{1,255}$/u.test(sub)) {
    throw refused("its `sub` must be 1 to 255 characters without control characters");
  }
  return { id: sub, scopes: scope === undefined ? DEFAULT_SCOPES : scope.trim().split(/\s+/) };
}

/** Whether images of `owner` exist for this caller. */
export function sees(caller, owner) {
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
  return refused("it is not a signed JWT");
}

function refused(why) {
  return unauthenticated("TOKEN_INVALID", `The token is not valid: ${why}`);
}

function expired() {
  return unauthenticated("TOKEN_EXPIRED", "The token has expired");
}

function unauthenticated(reason, message, challenge = 'Bearer error="invalid_token"') {
  return new Problem(401, "UNAUTHENTICATED", reason, message, { headers: { "www-authenticate": challenge } });
}
