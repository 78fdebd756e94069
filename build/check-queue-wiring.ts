import { isObject } from "../localstack/json.ts";
import { objectField, resourcesOf, textField } from "../localstack/template/template.ts";
import { allows, type Statement, statementsOf } from "./iam-policy.ts";
import { mappingsOf, referenced } from "./mappings.ts";
import type { Resolve } from "./resolve-template.ts";
import type { Template } from "./serverless.ts";

/** The calls that Lovage makes on a task queue. */
const QUEUE_ACTIONS = [
  "sqs:SendMessage",
  "sqs:ReceiveMessage",
  "sqs:DeleteMessage",
  "sqs:ChangeMessageVisibility",
  "sqs:GetQueueAttributes",
];

/**
 * Makes sure that each task queue is declared wherever the default one is: a variable that names it, an event of each function
 * that reads, the rights of each role, and the dead-letter queue. A queue is a task queue when a variable says so, when the
 * worker reads it, or when it has the default queue's dead-letter queue and no other function reads it.
 * @throws Error listing what is missing, and where in serverless.yml
 */
export async function checkQueues(template: Template, resolve: Resolve): Promise<void> {
  const variables = queueVariables(template);
  const standard = variables.get("BROKER_URL");
  if (standard === undefined) return;
  const mappings = mappingsOf(template);
  const readersOf = (queue: string): string[] =>
    mappings.filter((one) => one.queue === queue).map(({ functionId }) => functionId);
  const readers = readersOf(standard);
  if (readers.length === 0) {
    throw new Error(
      `Queue ${standard} is read by no function, so no task would ever run: expected an sqs event with arn: !GetAtt ${standard}.Arn under functions.worker.events in serverless.yml. Add it; a service that writes the events of a function writes all of them.`,
    );
  }
  const roles = await rolesOf(template, resolve);
  const properties = (queue: string): Record<string, unknown> => template.Resources[queue]?.Properties ?? {};
  const deadLetterOf = (queue: string): string | undefined =>
    referenced(objectField(properties(queue), "RedrivePolicy")?.deadLetterTargetArn);
  const deadLetter = deadLetterOf(standard);
  const arnOf = async (queue: string): Promise<string> => String(await resolve({ "Fn::GetAtt": [queue, "Arn"] }));
  const standardArn = await arnOf(standard);

  for (const { id: queue } of resourcesOf(template, "AWS::SQS::Queue")) {
    const own = readersOf(queue);
    const named = [...variables].flatMap(([variable, id]) => (id === queue ? [variable] : []));
    const isRead = own.some((reader) => readers.includes(reader));
    const isTwin = deadLetter !== undefined && deadLetterOf(queue) === deadLetter && own.length === 0;
    if (named.length === 0 && !isRead && !isTwin) continue;
    const isFifo = String(properties(queue).FifoQueue) === "true";
    const arn = await arnOf(queue);

    const missing: string[] = [];
    if (named.length === 0) missing.push(`BROKER_URL_${variableOf(queue)}: !Ref ${queue} under provider.environment`);
    for (const reader of readers.filter((one) => !own.includes(one))) {
      missing.push(`an sqs event with arn: !GetAtt ${queue}.Arn under functions.${functionKey(reader)}.events`);
    }
    const lacking = new Map<string, string[]>();
    for (const [role, statements] of roles) {
      const rights = QUEUE_ACTIONS.filter(
        (action) => allows(statements, action, standardArn) && !allows(statements, action, arn),
      ).join(", ");
      if (rights !== "") lacking.set(rights, [...(lacking.get(rights) ?? []), role]);
    }
    for (const [rights, holders] of lacking) {
      missing.push(`${rights} on !GetAtt ${queue}.Arn in ${holders.join(", ")} (the list &taskQueues)`);
    }
    if (!isFifo && deadLetter !== undefined && deadLetterOf(queue) !== deadLetter) {
      missing.push(`a RedrivePolicy to ${deadLetter} in resources.Resources.${queue}.Properties`);
    }
    if (missing.length > 0) {
      throw new Error(
        `Queue ${queue} is not declared everywhere that ${standard} is: serverless.yml lacks ${missing.join("; ")}. Add them, or remove the queue.`,
      );
    }
    if (named.length > 1) {
      throw new Error(
        `Queue ${queue} has the variables ${named.join(" and ")}: expected one name for each queue. Remove one of them under provider.environment in serverless.yml.`,
      );
    }
  }
}

/** Logical ids of the functions that run tasks: those that read the default queue. */
export function workersOf(template: Template): Set<string> {
  const standard = queueVariables(template).get("BROKER_URL");
  return new Set(
    mappingsOf(template)
      .filter(({ queue }) => queue === standard)
      .map(({ functionId }) => functionId),
  );
}

/** The queue of this template that each variable `BROKER_URL…` of any function means. */
function queueVariables(template: Template): Map<string, string> {
  const found = new Map<string, string>();
  for (const { properties } of resourcesOf(template, "AWS::Lambda::Function")) {
    const variables = objectField(properties, "Environment")?.Variables;
    for (const [name, value] of Object.entries(isObject(variables) ? variables : {})) {
      const queue = /^BROKER_URL(_|$)/.test(name) ? referenced(value) : undefined;
      if (queue !== undefined && template.Resources[queue]?.Type === "AWS::SQS::Queue") found.set(name, queue);
    }
  }
  return found;
}

/** The roles of functions, as far as this template declares them. */
async function rolesOf(template: Template, resolve: Resolve): Promise<Map<string, Statement[]>> {
  const ids = resourcesOf(template, "AWS::Lambda::Function").map(({ properties }) => referenced(properties.Role));
  const roles = new Map<string, Statement[]>();
  for (const id of ids) {
    if (id !== undefined && textField({ ...template.Resources[id] }, "Type") === "AWS::IAM::Role") {
      roles.set(id, await statementsOf(template, id, resolve));
    }
  }
  return roles;
}

/** `BulkMailQueue` → `BULK_MAIL`. */
function variableOf(queue: string): string {
  return queue
    .replace(/Queue$/, "")
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "_")
    .toUpperCase();
}

/** `WorkerLambdaFunction` → `worker`, as it is written in serverless.yml. */
function functionKey(logicalId: string): string {
  const key = logicalId.replace(/LambdaFunction$/, "");
  return key.charAt(0).toLowerCase() + key.slice(1);
}
