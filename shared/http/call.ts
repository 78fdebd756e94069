/** The form of a declared call. */

import type { Role } from "../api-keys.ts";
import { name } from "./parameters.ts";
import type { Document } from "./schema-parts.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A call of the API. */
export interface Call {
  /** Method and path, as OpenAPI writes it. */
  route: `${Method} /${string}`;
  /** The function of serverless.yml that answers it, which is also the role that a key needs. */
  function: Role;
  summary: string;
  parameters?: readonly Document[];
  body?: { schema: Document; required: boolean };
  status: number;
  answer: Document;
  /** The result of the task that it sends, which another call brings, later. */
  result?: Document;
  /** The media type of its answer. @defaultValue application/json */
  answerType?: string;
  /** Media types that it can answer with beside JSON, as text. */
  otherTypes?: readonly string[];
  /** Its answer has a `Location`. */
  location?: boolean;
  /** Statuses of its refusals, beside 401 and 500. */
  refusals?: readonly number[];
  /** It needs no key. */
  open?: boolean;
}

/** Of a call that reads a body. */
export const BODY_REFUSALS = [400, 413, 415, 422];

/** A decision of an operator about the task or queue of this name. */
export function decide<Route extends Call["route"]>(
  call: Pick<Call, "summary" | "answer"> & Partial<Call> & { route: Route },
): Call & { route: Route } {
  return { function: "operate", parameters: [name], status: 202, refusals: [404], ...call };
}
