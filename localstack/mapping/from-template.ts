/** The event source mappings that the template declares. Those of one function share its sandboxes, in turn. */

import { isObject } from "../json.ts";
import type { Functions } from "../lambda/functions.ts";
import type { Resources } from "../template/resources.ts";
import { listField, numberField, objectField, resourcesOf, type Template, textField } from "../template/template.ts";
import { type EventSourceMapping, startEventSourceMapping } from "./mapping.ts";
import type { QueueCalls } from "./queue-calls.ts";
import { createTurns, type Turns } from "./turns.ts";

interface MappingsOptions {
  template: Template;
  region: string;
  log: (line: string) => void;
  invoke: Functions["invoke"];
  queueOf: (url: string) => QueueCalls;
  /** How many of a function may run batches at once. */
  sandboxes: number;
}

/** AWS refuses to create the mapping. */
class MappingConflictError extends Error {
  override readonly name = "ResourceConflictException";
}

interface Declared {
  id: string;
  properties: Record<string, unknown>;
  queueArn: string;
  functionName: string;
}

/**
 * Starts them all, but for disabled ones.
 * @throws Error for a mapping that AWS would not create
 */
export async function startMappings(
  { template, region, log, invoke, queueOf, sandboxes }: MappingsOptions,
  resources: Resources,
): Promise<EventSourceMapping[]> {
  const declared = await readMappings(template, resources);
  refuseSameMapping(declared);
  const mappings = declared.filter(({ properties }) => properties.Enabled !== false);
  const queues = resourcesOf(template, "AWS::SQS::Queue");
  const urls = await Promise.all(
    queues.map(
      async ({ id }) =>
        [
          String(await resources.resolve({ "Fn::GetAtt": [id, "Arn"] })),
          String(await resources.resolve({ Ref: id })),
        ] as const,
    ),
  );
  const turnsOf = new Map<string, Turns>();
  return Promise.all(
    mappings.map(({ properties, queueArn, functionName }) => {
      const queueUrl = new Map(urls).get(queueArn);
      if (queueUrl === undefined)
        throw new Error(`An event source mapping reads ${queueArn}, which is no queue of serverless.yml.`);
      const turns = turnsOf.get(functionName) ?? createTurns(sandboxes);
      turnsOf.set(functionName, turns);
      const concurrency = objectField(properties, "ScalingConfig")?.MaximumConcurrency;
      const lambda = resourcesOf(template, "AWS::Lambda::Function").find(
        ({ id, properties: config }) => (textField(config, "FunctionName") ?? id) === functionName,
      );
      return startEventSourceMapping({
        queue: queueOf(queueUrl),
        queueUrl,
        queueArn,
        region,
        functionName,
        invoke,
        log,
        poolLimit: sandboxes,
        turns,
        batchSize: numberField(properties, "BatchSize", 10),
        maximumBatchingWindowSeconds: numberField(properties, "MaximumBatchingWindowInSeconds", 0),
        maximumConcurrency: concurrency === undefined ? undefined : Number(concurrency),
        filterPatterns: listField(objectField(properties, "FilterCriteria") ?? {}, "Filters").flatMap((filter) =>
          isObject(filter) && typeof filter.Pattern === "string" ? [filter.Pattern] : [],
        ),
        reportBatchItemFailures: listField(properties, "FunctionResponseTypes").includes("ReportBatchItemFailures"),
        functionTimeoutSeconds: numberField(lambda?.properties ?? {}, "Timeout", 6),
      });
    }),
  );
}

async function readMappings(template: Template, resources: Resources): Promise<Declared[]> {
  return Promise.all(
    resourcesOf(template, "AWS::Lambda::EventSourceMapping").map(async ({ id, properties }) => {
      const [functionName = ""] = String(await resources.resolve(properties.FunctionName))
        .split(":")
        .slice(-1);
      return { id, properties, queueArn: String(await resources.resolve(properties.EventSourceArn)), functionName };
    }),
  );
}

/** A queue can be mapped to a function once, in AWS's words; a disabled mapping is one, too. */
function refuseSameMapping(mappings: readonly Declared[]): void {
  const ids = new Map<string, string>();
  for (const { id, queueArn, functionName } of mappings) {
    const key = `${queueArn} ${functionName}`;
    const other = ids.get(key);
    if (other !== undefined) {
      throw new MappingConflictError(
        `An event source mapping with SQS arn (" ${queueArn} ") and function (" ${functionName} ") already exists. Please update or delete the existing mapping with UUID ${other}`,
      );
    }
    ids.set(key, id);
  }
}
