/** The event source mappings that the template declares. Those of one function share its sandboxes, in turn. */

import { isObject } from "../json.ts";
import type { Functions } from "../lambda/functions.ts";
import type { Clients, Resources } from "../template/resources.ts";
import { listField, numberField, objectField, resourcesOf, type Template, textField } from "../template/template.ts";
import { type EventSourceMapping, startEventSourceMapping } from "./mapping.ts";
import { createTurns, type Turns } from "./turns.ts";

interface MappingsOptions {
  template: Template;
  region: string;
  log: (line: string) => void;
  invoke: Functions["invoke"];
  /** How many of a function may run batches at once. */
  sandboxes: number;
}

/** Starts them all, but for disabled ones. */
export async function startMappings(
  { template, region, log, invoke, sandboxes }: MappingsOptions,
  resources: Resources,
  { sqs }: Clients,
): Promise<EventSourceMapping[]> {
  const mappings = resourcesOf(template, "AWS::Lambda::EventSourceMapping").filter(
    ({ properties }) => properties.Enabled !== false,
  );
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
    mappings.map(async ({ properties }) => {
      const queueArn = String(await resources.resolve(properties.EventSourceArn));
      const queueUrl = new Map(urls).get(queueArn);
      if (queueUrl === undefined)
        throw new Error(`An event source mapping reads ${queueArn}, which is no queue of serverless.yml.`);
      const functionName =
        String(await resources.resolve(properties.FunctionName))
          .split(":")
          .at(-1) ?? "";
      const turns = turnsOf.get(functionName) ?? createTurns(sandboxes);
      turnsOf.set(functionName, turns);
      const concurrency = objectField(properties, "ScalingConfig")?.MaximumConcurrency;
      const lambda = resourcesOf(template, "AWS::Lambda::Function").find(
        ({ id, properties: config }) => (textField(config, "FunctionName") ?? id) === functionName,
      );
      return startEventSourceMapping({
        ...{ sqs, queueUrl, queueArn, region, functionName, invoke, log, poolLimit: sandboxes, turns },
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
