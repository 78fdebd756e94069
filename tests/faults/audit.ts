import { type DynamoDBClient, ScanCommand, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { isFinal, toState } from "../../shared/results/record.ts";
import { resultOf } from "./tasks.ts";

/** What the table says in the end. */
export interface Audit {
  /** Accepted tasks that have no final state. */
  lost: string[];
  /** Accepted tasks that succeeded with another result than theirs. */
  wrong: string[];
  /** Accepted tasks by their state; a FAILURE is one whose worker was killed three times while it ran. */
  states: Record<string, number>;
}

export async function audit(
  dynamodb: DynamoDBClient,
  TableName: string,
  accepted: ReadonlyMap<string, number>,
): Promise<Audit> {
  const found = new Map<string, { state: string; result: string | undefined }>();
  let start: ScanCommandOutput["LastEvaluatedKey"];
  do {
    const page: ScanCommandOutput = await dynamodb.send(
      new ScanCommand({
        TableName,
        FilterExpression: "attribute_exists(#state)",
        ExpressionAttributeNames: { "#state": "state" },
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    for (const { sk, state, result } of page.Items ?? []) {
      found.set(sk?.S ?? "", { state: state?.S ?? "", result: result?.S });
    }
    start = page.LastEvaluatedKey;
  } while (start);

  const report: Audit = { lost: [], wrong: [], states: {} };
  for (const [id, x] of accepted) {
    const { state = "without a record", result } = found.get(id) ?? {};
    report.states[state] = (report.states[state] ?? 0) + 1;
    if (state === "without a record" || !isFinal(toState(state))) report.lost.push(id);
    if (state === "SUCCESS" && result !== String(resultOf(x))) report.wrong.push(id);
  }
  return report;
}
