/** Errors of SQS, as its SDKs know them: the names of the service's model, and the codes of its older protocol in a header. */

import type { JsonObject } from "../json.ts";

export interface SqsRefusal {
  /** As the entry of a batch names it: `InvalidParameterValue`. */
  readonly code: string;
  readonly message: string;
}

/** An answer of SQS over HTTP. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

export const PROTOCOL = "application/x-amz-json-1.0";

/** The two errors that the model does not declare have another name in the body than in the header. */
const TYPES: Readonly<Record<string, string>> = {
  InvalidParameterValue: "InvalidParameterValueException",
  MissingParameter: "MissingRequiredParameterException",
};

const PREFIX = "AWS.SimpleQueueService.";
/** The model's trait `awsQueryError`, where it is not the error's own name: the SDKs for JavaScript look an error up by it. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: `${PREFIX}NonExistentQueue`,
  QueueNameExists: "QueueAlreadyExists",
  ...Object.fromEntries(
    [
      ...["BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId"],
      ...["MessageNotInflight", "TooManyEntriesInBatchRequest", "UnsupportedOperation"],
    ].map((code) => [code, PREFIX + code]),
  ),
};
const STATUSES: Readonly<Record<string, number>> = {
  OverLimit: 403,
  ReceiptHandleIsInvalid: 404,
  RequestEntityTooLarge: 413,
};

export function errorAnswer({ code, message }: SqsRefusal): Answer {
  return {
    status: STATUSES[code] ?? 400,
    headers: { "content-type": PROTOCOL, "x-amzn-query-error": `${QUERY_CODES[code] ?? code};Sender` },
    body: { __type: `com.amazonaws.sqs#${TYPES[code] ?? code}`, message },
  };
}

export function invalid(message: string): SqsRefusal {
  return { code: "InvalidParameterValue", message };
}

/** The refusal of one value, in SQS's usual words. */
export function invalidValue(parameter: string, value: unknown, reason: string): SqsRefusal {
  return invalid(`Value ${value} for parameter ${parameter} is invalid. Reason: ${reason}`);
}

export function missing(parameter: string): SqsRefusal {
  return { code: "MissingParameter", message: `The request must contain the parameter ${parameter}.` };
}

/** An operation or a parameter that AWS has and this cloud has not. */
export function unsupported(message: string): SqsRefusal {
  return { code: "UnsupportedOperation", message };
}
