import type { SQSEvent } from "aws-lambda";
import { connect } from "./connection.ts";
import { createWrites } from "./same-writes.ts";

const { run } = createWrites(connect());

/** The least function that runs a task with the writes of Lovage's worker: what a start up to a first task is compared with. */
export async function handler({ Records }: SQSEvent): Promise<void> {
  await Promise.all(Records.map(({ body }) => run(body)));
}
