/** Operations of SQS that fauxqs has not, or answers in another way. */

import { type JsonObject, objectsOf, parseObject, stringsOf } from "../json.ts";
import { invalidValue, type SqsRefusal } from "./errors.ts";
import type { Queue, QueueStore } from "./fauxqs.ts";
import { OPERATION_NAMES } from "./model.ts";
import { deadLetterArnOf } from "./redrive.ts";

/** The answer, or why there is none. */
type Outcome = { readonly answer: JsonObject } | { readonly refusal: SqsRefusal };

const MAX_RESULTS = 1000;
const MAX_ACTIONS = 7;
/** Actions that an owner may permit to others. */
const PERMITTED = [
  ...["*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl"],
  ...["ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage"],
];
const LABEL = /^[a-zA-Z0-9_-]{1,80}$/;
const ACCOUNT = /^\d{12}$/;

/** Undefined for an operation that fauxqs does. */
export function runOwnOperation(
  action: string,
  request: JsonObject,
  queues: QueueStore,
  queue: Queue | undefined,
): Outcome | undefined {
  if (action === "ListQueues") {
    const prefix = String(request.QueueNamePrefix ?? "");
    return page(
      request,
      "QueueUrls",
      [...queues.allQueues()].filter(({ name }) => name.startsWith(prefix)),
    );
  }
  if (queue === undefined) return undefined;
  switch (action) {
    case "ListDeadLetterSourceQueues": {
      const sources = [...queues.allQueues()].filter((source) => deadLetterArnOf(source) === queue.arn);
      return page(request, "queueUrls", sources);
    }
    case "AddPermission":
      return addPermission(request, queue);
    case "RemovePermission":
      return removePermission(String(request.Label), queue);
    default:
      return undefined;
  }
}

/** One page of queues, in the order of their names; the token is the name after which the next page begins. */
function page(request: JsonObject, field: string, queues: readonly Queue[]): Outcome {
  const { MaxResults: asked, NextToken: token } = request;
  const most = asked ?? MAX_RESULTS;
  if (typeof most !== "number" || !Number.isInteger(most) || most < 1 || most > MAX_RESULTS) {
    return { refusal: invalidValue("MaxResults", most, `Must be between 1 and ${MAX_RESULTS}, if provided.`) };
  }
  const after = typeof token === "string" ? readToken(token) : "";
  if (after === undefined) return { refusal: invalidValue("NextToken", token, "It was not given out by this queue.") };
  const byName = queues.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const rest = byName.filter(({ name }) => name > after);
  const shown = rest.slice(0, most);
  // Without MaxResults AWS answers with the first 1,000 and gives no token.
  const last = asked !== undefined && rest.length > most ? shown.at(-1) : undefined;
  return {
    answer: { [field]: shown.map(({ url }) => url), ...(last && { NextToken: toToken(last.name) }) },
  };
}

function toToken(name: string): string {
  return Buffer.from(name).toString("base64");
}

function readToken(token: string): string | undefined {
  const name = Buffer.from(token, "base64").toString();
  return name !== "" && toToken(name) === token ? name : undefined;
}

/** Permissions are kept in the queue's policy, as on AWS, and like it have no effect here. */
function addPermission(request: JsonObject, queue: Queue): Outcome {
  const label = String(request.Label);
  const [accounts, actions] = [stringsOf(request.AWSAccountIds), stringsOf(request.Actions)];
  const refusal = refusePermission(label, accounts, actions);
  if (refusal !== undefined) return { refusal };
  const { policy, statements } = readPolicy(queue);
  if (statements.some(({ Sid }) => Sid === label)) return { refusal: invalidValue("Label", label, "Already exists.") };
  const statement = {
    Sid: label,
    Effect: "Allow",
    Principal: { AWS: oneOrAll(accounts.map((account) => `arn:aws:iam::${account}:root`)) },
    Action: oneOrAll(actions.map((name) => `SQS:${name}`)),
    Resource: queue.arn,
  };
  queue.setAttributes({ Policy: JSON.stringify({ ...policy, Statement: [...statements, statement] }) });
  return { answer: {} };
}

function refusePermission(
  label: string,
  accounts: readonly string[],
  actions: readonly string[],
): SqsRefusal | undefined {
  if (!LABEL.test(label)) {
    return invalidValue(
      "Label",
      label,
      "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    );
  }
  if (accounts.length === 0 || !accounts.every((account) => ACCOUNT.test(account))) {
    return invalidValue("PrincipalId", `[${accounts.join(", ")}]`, "Unable to verify.");
  }
  if (actions.length > MAX_ACTIONS) {
    return { code: "OverLimit", message: `${actions.length} Actions were found, maximum allowed is ${MAX_ACTIONS}.` };
  }
  const refused = actions.find((name) => !PERMITTED.includes(name));
  if (refused === undefined) return undefined;
  const reason = OPERATION_NAMES.includes(refused)
    ? "Only the queue owner is allowed to invoke this action."
    : "Please refer to the appropriate WSDL for a list of valid actions. ";
  return invalidValue("ActionName", `SQS:${refused}`, reason);
}

function removePermission(label: string, queue: Queue): Outcome {
  const { policy, statements } = readPolicy(queue);
  const rest = statements.filter(({ Sid }) => Sid !== label);
  if (rest.length === statements.length) return { refusal: invalidValue("Label", label, "can't find label.") };
  // A policy without a statement is none.
  if (rest.length === 0) delete queue.attributes.Policy;
  queue.setAttributes(rest.length === 0 ? {} : { Policy: JSON.stringify({ ...policy, Statement: rest }) });
  return { answer: {} };
}

function readPolicy(queue: Queue): { policy: JsonObject; statements: JsonObject[] } {
  const none = { Version: "2008-10-17", Id: `${queue.arn}/SQSDefaultPolicy` };
  const policy = parseObject(queue.attributes.Policy ?? "") ?? none;
  const { Statement: statement = [] } = { Statement: undefined, ...policy };
  return { policy, statements: objectsOf(Array.isArray(statement) ? statement : [statement]) };
}

function oneOrAll(values: readonly string[]): string | readonly string[] {
  const [first, ...others] = values;
  return first !== undefined && others.length === 0 ? first : values;
}
