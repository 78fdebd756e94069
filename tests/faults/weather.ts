import { objectsOf, parseObject } from "../../localstack/json.ts";
import type { Chance } from "./chance.ts";
import type { Answer, Call, Forward, Route } from "./proxy.ts";

/** Faults of a call: AWS did it and nobody hears of it, the connection is reset, AWS is too busy, AWS stumbles. */
const KINDS = ["lost", "reset", "throttled", "failed"] as const;
/** Reasons for which DynamoDB leaves one statement of several undone. */
const STATEMENT_ERRORS = ["ThrottlingError", "ProvisionedThroughputExceeded", "InternalServerError"] as const;
const STATEMENTS = "DynamoDB.BatchExecuteStatement";
/** The refusal of a single entry of a batch. */
export const PARTIAL = "This entry was not taken.";

export type Fault = (typeof KINDS)[number] | "partial";

export interface Weather {
  route: Route;
  /** How often each fault has struck. */
  faults: ReadonlyMap<Fault, number>;
  /** Ends it. */
  clear(): void;
}

/**
 * Every call meets a fault with this probability; and with the same, a batch that meets none is taken only in part. As chance
 * has it, so that the same seed brings the same weather.
 */
export function createWeather(chance: Chance, probability: number): Weather {
  const faults = new Map<Fault, number>();
  let isOver = false;
  const route: Route = async (call, forward) => {
    const fault = isOver ? undefined : faultOf(call, chance, probability);
    if (fault === undefined) return forward(call);
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
    switch (fault) {
      case "lost":
        await forward(call);
        return "cut";
      case "reset":
        return "cut";
      case "throttled":
        return call.operation.startsWith("SQS.")
          ? refusal("com.amazonaws.sqs#RequestThrottled", 403)
          : refusal("com.amazonaws.dynamodb.v20120810#ThrottlingException", 400);
      case "failed":
        return refusal("InternalServerError", chance.pick([500, 502, 503]));
      case "partial":
        return call.operation === STATEMENTS ? somewhat(call, forward, chance) : partly(call, forward, chance);
    }
  };
  return {
    route,
    faults,
    clear() {
      isOver = true;
    },
  };
}

function faultOf({ operation }: Call, chance: Chance, probability: number): Fault | undefined {
  if (chance.happens(probability)) return chance.pick(KINDS);
  const isBatch = operation.endsWith("Batch") || operation === STATEMENTS;
  return isBatch && chance.happens(probability) ? "partial" : undefined;
}

/** Keeps some entries of a batch from the cloud, and says that they failed through no fault of the sender. */
async function partly(call: Call, forward: Forward, chance: Chance): Promise<Answer> {
  const request = parseObject(call.body.toString()) ?? {};
  const entries = objectsOf(request.Entries);
  const unlucky = entries.filter(() => chance.happens(0.5));
  const lucky = entries.filter((entry) => !unlucky.includes(entry));
  const Failed = unlucky.map(({ Id }) => ({ Id, SenderFault: false, Code: "InternalError", Message: PARTIAL }));
  if (lucky.length === 0) return json(200, { Failed });
  const answer = await forward({ ...call, body: Buffer.from(JSON.stringify({ ...request, Entries: lucky })) });
  const body = parseObject(answer.body.toString());
  if (answer.status !== 200 || body === undefined) return answer;
  return { ...answer, body: Buffer.from(JSON.stringify({ ...body, Failed: [...objectsOf(body.Failed), ...Failed] })) };
}

/** Keeps some statements of a call from the cloud, and answers each of them with an error of its own. */
async function somewhat(call: Call, forward: Forward, chance: Chance): Promise<Answer> {
  const request = parseObject(call.body.toString()) ?? {};
  const statements = objectsOf(request.Statements);
  const isLucky = statements.map(() => chance.happens(0.5));
  const Statements = statements.filter((_, index) => isLucky[index]);
  const answered: object[] = [];
  if (Statements.length > 0) {
    const answer = await forward({ ...call, body: Buffer.from(JSON.stringify({ ...request, Statements })) });
    if (answer.status !== 200) return answer;
    answered.push(...objectsOf(parseObject(answer.body.toString())?.Responses));
  }
  const error = (): object => ({ Error: { Code: chance.pick(STATEMENT_ERRORS), Message: PARTIAL } });
  return json(200, { Responses: isLucky.map((lucky) => (lucky ? answered.shift() : undefined) ?? error()) });
}

function refusal(type: string, status: number): Answer {
  return json(status, { __type: type, message: "This is bad weather." });
}

function json(status: number, body: object): Answer {
  return { status, headers: { "content-type": "application/x-amz-json-1.0" }, body: Buffer.from(JSON.stringify(body)) };
}
