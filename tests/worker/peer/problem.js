// The format of all errors.

const MAX_VIOLATIONS = 100;

/** An error response. */
export class Problem extends Error {
  constructor(status, code, reason, message, { metadata = {}, details = [], headers = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.details = [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "reticle", metadata },
      ...details,
    ];
  }

  body(requestId) {
    return { error: this.message, code: this.code, details: this.details, request_id: requestId };
  }
}

/** Lists each violation; the message has the first one. */
export function invalid(violations) {
  const [{ field, description }] = violations;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return new Problem(400, "INVALID_ARGUMENT", "INVALID_FIELDS", `${field} ${description}${more}`, {
    metadata: { count: String(violations.length) },
    details: [
      {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        field_violations: violations.slice(0, MAX_VIOLATIONS).map((violation) => ({ ...violation, reason: "" })),
      },
    ],
  });
}

/** The image does not exist or is not visible to the caller. `field` is the field that names it, if there are several. */
export function imageNotFound(id, field) {
  return new Problem(404, "NOT_FOUND", "NOT_FOUND", field ? `Image not found (${field})` : "Image not found", {
    metadata: field ? { field } : {},
    details: [
      {
        "@type": "type.googleapis.com/google.rpc.ResourceInfo",
        resource_type: "Image",
        resource_name: id,
        owner: "",
        description: field ? `named by ${field}` : "",
      },
    ],
  });
}
