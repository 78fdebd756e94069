/** Celery beside Lovage, on the same emulators: where `node tests/cloud/install-peers.ts celery` has installed it. */

import { join } from "node:path";
import { DynamoDBClient, ScanCommand, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { installations, isInstalled } from "../../cloud/peers.ts";
import { startChild } from "../child.ts";
import type { Cloud, Contender } from "../contender.ts";
import { observeQueue } from "../contender.ts";
import { createSetting, REGION } from "../setting.ts";
import type { SideCommands } from "../side-process.ts";

export const python = join(installations.celery.folder, "venv/bin/python");
const TABLE = "bench-celery-results";
/** It runs about a tenth as many in the same time. */
const PORTION = 0.1;
const MODULE = join(import.meta.dirname, "celery-process.ts");

/** Undefined where it is not installed. */
export async function startCelery({
  cloud,
  endpoint,
}: {
  cloud: Cloud;
  endpoint: string;
}): Promise<Contender | undefined> {
  if (!isInstalled("celery")) return undefined;
  // Celery would take `BROKER_URL` for its own setting.
  const { BROKER_URL, RESULT_BACKEND: _, ...rest } = await createSetting(endpoint, "celery");
  const environment = { ...rest, CELERY_QUEUE_URL: BROKER_URL ?? "", CELERY_TABLE: TABLE };
  const start = (role: string) =>
    startChild<SideCommands>({
      name: `celery-${role}`,
      module: MODULE,
      arguments: [role],
      environment,
      profile: false,
    });
  const sender = start("sender");
  const worker = start("worker");
  const queue = observeQueue({ ...rest, BROKER_URL: BROKER_URL ?? "" });
  const dynamodb = new DynamoDBClient({
    endpoint,
    region: REGION,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await worker.ask("stop");
  return {
    name: "celery",
    portion: PORTION,
    cloud,
    sender,
    worker,
    workerCpu: () => worker.ask("cpu"),
    emptied: queue.emptied,
    hold: async () => void (await worker.ask("stop")),
    release: async () => void (await worker.ask("start")),
    rest() {
      void worker.ask("stop");
    },
    async results() {
      let count = 0;
      let from: ScanCommandOutput["LastEvaluatedKey"];
      do {
        const page: ScanCommandOutput = await dynamodb.send(
          new ScanCommand({ TableName: TABLE, Select: "COUNT", ...(from && { ExclusiveStartKey: from }) }),
        );
        count += page.Count ?? 0;
        from = page.LastEvaluatedKey;
      } while (from);
      return count;
    },
    async stop() {
      queue.close();
      dynamodb.destroy();
      await Promise.all([sender.stop(), worker.stop()]);
    },
  };
}
