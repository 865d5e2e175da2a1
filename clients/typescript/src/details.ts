import { ConnectError } from "@connectrpc/connect";

import { BadRequestSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** An invalid field of a request. */
export interface FieldViolation {
  /** The field's path, as in `annotations[3].label`. */
  field: string;
  /** A phrase that continues the field's name. */
  description: string;
}

/** Returns the invalid fields that a call was rejected for; none if it failed for another reason. */
export function fieldViolations(error: unknown): FieldViolation[] {
  const details = ConnectError.from(error).findDetails(BadRequestSchema);
  return details.flatMap((detail) => detail.fieldViolations.map(({ field, description }) => ({ field, description })));
}

/** Returns the server's retry delay in milliseconds, if the error has one. */
export function retryDelayMs(error: unknown): number | undefined {
  const delay = ConnectError.from(error).findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
}
