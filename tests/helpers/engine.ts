import { randomUUID } from "node:crypto";
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { startGateway } from "../../localstack/gateway.ts";
import { isObject } from "../../localstack/json.ts";
import { toSqsRecord } from "../../localstack/mapping/record.ts";
import { type Clients, createClients, createResources } from "../../localstack/template/resources.ts";
import type { Template } from "../../localstack/template/template.ts";
import { createTable, type Table } from "../../shared/aws/dynamodb.ts";
import { type App, createApp, useApp } from "../../shared/index.ts";
import { createLog } from "../../shared/log.ts";
import { readTemplate } from "./compile-template.ts";

/** The engine on real emulators over HTTP, with the clock, chance and log in the test's hand. */
export interface Engine {
  app: App;
  /** The app's table; a test may put one of its calls in the way of another. */
  table: Table;
  /** Another app on the same cloud, with this table in the place of its own. */
  appOn(table: Table): App;
  clients: Clients;
  environment: Record<string, string>;
  /** The clock's time; a test moves it. */
  clock: { now: Date };
  /** Lines that the app logged, parsed. */
  logged: Record<string, unknown>[];
  queueUrl(logicalId: string): Promise<string>;
  /** Receives up to 10 messages and hands them to `handle`, as Lambda would; deletes none. */
  deliver(logicalId: string, handle: Handle): Promise<Delivery>;
  /** Deletes received messages, as Lambda does with those that were acknowledged. */
  acknowledge(logicalId: string, records: readonly SQSRecord[]): Promise<void>;
  stop(): Promise<void>;
}

type Handle = (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;

interface Delivery {
  event: SQSEvent;
  kept: string[];
}

const REGION = "us-east-1";

/** @param change alters the template, e.g. its time-outs */
export async function startEngine(change: (template: Template) => void = () => {}): Promise<Engine> {
  const template = await readTemplate();
  change(template);
  const gateway = await startGateway({ port: 0 });
  const access = {
    endpoint: gateway.endpoint,
    region: REGION,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const clients = createClients(access);
  const resources = await createResources(template, clients, access);
  const variables = await resources.resolve(
    isObject(template.Resources.WorkerLambdaFunction?.Properties?.Environment)
      ? template.Resources.WorkerLambdaFunction.Properties.Environment.Variables
      : {},
  );
  const environment = Object.fromEntries(
    Object.entries(isObject(variables) ? variables : {}).map(([name, value]) => [name, String(value)]),
  );
  // The app's own clients find the cloud as they do everywhere: by the environment of their process.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: gateway.endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  });

  const clock = { now: new Date() };
  const logged: Record<string, unknown>[] = [];
  const parts = {
    clock: () => clock.now,
    random: () => 0.5,
    log: createLog({}, (line) => logged.push(JSON.parse(line))),
  };
  const appOn = (table: Table): App => createApp(environment, { ...parts, table });
  const table = createTable(() => app.config.resultTable, parts.log);
  const app = appOn(table);
  useApp(app);
  const queueUrl = async (logicalId: string): Promise<string> => String(await resources.resolve({ Ref: logicalId }));

  return {
    app,
    table,
    appOn,
    clients,
    environment,
    clock,
    logged,
    queueUrl,
    async deliver(logicalId, handle) {
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: await queueUrl(logicalId),
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: 2,
          MessageSystemAttributeNames: ["All"],
          MessageAttributeNames: ["All"],
        }),
      );
      const arn = String(await resources.resolve({ "Fn::GetAtt": [logicalId, "Arn"] }));
      const event = { Records: Messages.map((message) => toSqsRecord(message, { queueArn: arn, region: REGION })) };
      const answer = await handle(event, { getRemainingTimeInMillis: () => 30_000 });
      return { event, kept: answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
    },
    async acknowledge(logicalId, records) {
      if (records.length === 0) return;
      const QueueUrl = await queueUrl(logicalId);
      const Entries = records.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
      const { Failed = [] } = await clients.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      if (Failed.length > 0) throw new Error(`SQS kept ${Failed.length} messages that were to be deleted.`);
    },
    async stop() {
      for (const client of Object.values(clients)) client.destroy();
      await gateway.close();
    },
  };
}

/** A change of the template: these queues show again after so many seconds what was received and not deleted. */
export function visibility(seconds: number, ...queues: readonly string[]): (template: Template) => void {
  return (template) => {
    for (const name of queues) {
      const queue = template.Resources[name]?.Properties;
      if (queue === undefined) throw new Error(`The template has no queue ${name}.`);
      queue.VisibilityTimeout = seconds;
    }
  };
}

/** A name that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomUUID().slice(0, 8)}`;
}
