import { type DynamoDBClient, ScanCommand, type ScanCommandOutput } from "@aws-sdk/client-dynamodb";
import { parseObject } from "../../localstack/json.ts";
import { isFinal, toState } from "../../shared/results/record.ts";
import { resultOf } from "./tasks.ts";

/** The table's state in the end. */
export interface Audit {
  /** Accepted tasks that have no final state. */
  lost: string[];
  /** Accepted tasks that succeeded with another result than theirs. */
  wrong: string[];
  /** Accepted tasks by their state, a failure by its error too. */
  ends: Record<string, number>;
}

export async function audit(
  dynamodb: DynamoDBClient,
  TableName: string,
  accepted: ReadonlyMap<string, number>,
): Promise<Audit> {
  const found = new Map<string, { state: string; result: string | undefined; error: string }>();
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
    for (const { sk, state, result, error } of page.Items ?? []) {
      found.set(sk?.S ?? "", { state: state?.S ?? "", result: result?.S, error: errorOf(error?.S) });
    }
    start = page.LastEvaluatedKey;
  } while (start);

  const report: Audit = { lost: [], wrong: [], ends: {} };
  for (const [id, x] of accepted) {
    const { state = "without a record", result, error = "" } = found.get(id) ?? {};
    const end = state === "FAILURE" ? `FAILURE of ${error}` : state;
    report.ends[end] = (report.ends[end] ?? 0) + 1;
    if (state === "without a record" || !isFinal(toState(state))) report.lost.push(id);
    if (state === "SUCCESS" && result !== String(resultOf(x))) report.wrong.push(id);
  }
  return report;
}

function errorOf(json = "{}"): string {
  const { name, code } = parseObject(json) ?? {};
  return String(code ?? name);
}
