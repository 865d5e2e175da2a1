import { ConnectError } from "@connectrpc/connect";

import { BadRequestSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** A rule that a request breaks. */
export interface FieldViolation {
  /** The field's path, as in `annotations[3].label`. */
  field: string;
  /** A phrase that continues the field's name. */
  description: string;
}

/** The rules that a call was refused for; none if it failed for another reason. */
export function fieldViolations(error: unknown): FieldViolation[] {
  const details = ConnectError.from(error).findDetails(BadRequestSchema);
  return details.flatMap((detail) => detail.fieldViolations.map(({ field, description }) => ({ field, description })));
}

/** How long the server asks to wait before the next try, in milliseconds. */
export function retryDelayMs(error: unknown): number | undefined {
  const delay = ConnectError.from(error).findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
}
