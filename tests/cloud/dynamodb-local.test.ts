/**
 * The embedded DynamoDB beside AWS's DynamoDB Local: the same statements and expressions, good and bad, must have the same
 * outcome in both. Messages may differ, codes and items may not.
 */
import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  CreateTableCommand,
  DynamoDBClient,
  DynamoDBServiceException,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { type Gateway, startGateway } from "../../localstack/gateway.ts";
import { CHANGES, CONDITIONS, EXPRESSIONS, ITEM, N, S, STATEMENTS, UPDATES } from "./dynamodb-cases.ts";
import { type Missing, type Peer, startDynamoDBLocal } from "./peers.ts";

const TABLE = "ttt";

let local: Peer | Missing | undefined;
let embedded: Gateway | undefined;

beforeAll(async () => {
  local = await startDynamoDBLocal();
  if ("missing" in local) console.warn(local.missing);
  embedded = await startGateway({ port: 0 });
});

afterAll(async () => {
  if (local !== undefined && "stop" in local) await local.stop();
  await embedded?.close();
});

const clientAt = (endpoint: string) =>
  new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });

/** Clients of both, each with the table. */
async function clients({ skip }: TestContext): Promise<[DynamoDBClient, DynamoDBClient]> {
  if (local === undefined || embedded === undefined) throw new Error("They did not start.");
  if ("missing" in local) return skip(local.missing);
  const both = [clientAt(embedded.endpoint), clientAt(local.environment.AWS_ENDPOINT_URL ?? "")] as const;
  for (const client of both) {
    const names = ["pk", "sk"] as const;
    await client
      .send(
        new CreateTableCommand({
          TableName: TABLE,
          BillingMode: "PAY_PER_REQUEST",
          KeySchema: names.map((name, index) => ({ AttributeName: name, KeyType: index === 0 ? "HASH" : "RANGE" })),
          AttributeDefinitions: names.map((name) => ({ AttributeName: name, AttributeType: "S" })),
        }),
      )
      .catch((error: unknown) => {
        if (!(error instanceof DynamoDBServiceException) || error.name !== "ResourceInUseException") throw error;
      });
  }
  return [...both];
}

type Step = (client: DynamoDBClient, pk: string) => Promise<unknown>;

/** Answers what a step on a fresh item comes to, and what then is there: by the step's name, in each of the two. */
async function outcomes(context: TestContext, steps: Readonly<Record<string, Step>>) {
  const both = await clients(context);
  return Promise.all(
    both.map(async (client) => {
      const all: Record<string, unknown> = {};
      for (const [index, [name, step]] of Object.entries(steps).entries()) {
        const pk = `${context.task.name} ${index}`;
        const Key = { pk: S(pk), sk: S("1") };
        await client.send(new PutItemCommand({ TableName: TABLE, Item: { ...Key, ...ITEM } }));
        const outcome = await step(client, pk).catch(codeOf);
        const { Item } = await client.send(new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true }));
        all[name] = JSON.stringify(sorted({ outcome, Item }));
      }
      return all;
    }),
  );
}

function codeOf(error: unknown): unknown {
  if (!(error instanceof DynamoDBServiceException)) throw error;
  // DynamoDB Local leaves the ending out in one place where AWS has it.
  return { thrown: error.name.replace(/^DuplicateItem$/, "DuplicateItemException") };
}

/** Sets in one order, and numbers in one form. */
function sorted(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, content]) => {
        if (name === "N") return [name, String(Number(content))];
        if (/^[SN]S$/.test(name)) return [name, [...content].sort()];
        return [name, sorted(content)];
      }),
  );
}

/** One statement in a batch: its code or its item. */
function statement(text: string, parameters: readonly AttributeValue[] = []): Step {
  return async (client, pk) => {
    const key = `pk='${pk}' AND sk='1'`;
    const Statement = text.replace(/\bT\b/, `"${TABLE}"`).replace(/\bK\b/, key).replace(/\bP\b/, `'${pk}'`);
    const request = {
      Statement,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
      ...(parameters.length > 0 && { Parameters: [...parameters] }),
    };
    const { Responses } = await client.send(new BatchExecuteStatementCommand({ Statements: [request] }));
    const { Item, Error: error } = Responses?.[0] ?? {};
    return error === undefined ? { Item } : { code: error.Code, Item: error.Item };
  };
}

describe("PartiQL", () => {
  it("has the same conditions", async (context) => {
    const steps = CONDITIONS.map(([condition, parameters]) => {
      return [condition, statement(`UPDATE T SET done=1 WHERE K AND ${condition}`, parameters)] as const;
    });
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });

  it("has the same changes", async (context) => {
    const steps = CHANGES.map(([change, parameters]) => {
      return [change, statement(`UPDATE T ${change} WHERE K RETURNING ALL NEW *`, parameters)] as const;
    });
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });

  it("has the same statements", async (context) => {
    const steps = STATEMENTS.map((text) => [text, statement(text)] as const);
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });

  it("has the same single statements", async (context) => {
    const steps = STATEMENTS.filter((text) => !/^SELECT/.test(text)).map((text) => {
      const step: Step = async (client, pk) => {
        const key = `pk='${pk}' AND sk='1'`;
        const Statement = text.replace(/\bT\b/, `"${TABLE}"`).replace(/\bK\b/, key).replace(/\bP\b/, `'${pk}'`);
        const { Items } = await client.send(
          new ExecuteStatementCommand({ Statement, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
        );
        return Items;
      };
      return [text, step] as const;
    });
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });

  it("has the same batches", async (context) => {
    const update = (sk: string) => `UPDATE "${TABLE}" SET a='z' WHERE pk=P AND sk='${sk}'`;
    const select = `SELECT a FROM "${TABLE}" WHERE pk=P AND sk='1'`;
    const batches: Record<string, string[]> = {
      empty: [],
      "one item twice": [update("1"), `DELETE FROM "${TABLE}" WHERE pk=P AND sk='1'`],
      "one read twice": [select, select],
      "reads and writes": [select, update("1")],
      "good and bad": [update("1"), update("2"), "nonsense", `UPDATE "nope" SET a=1 WHERE pk=P AND sk='3'`],
      "too many": Array.from({ length: 26 }, (_, index) => update(`${index}`)),
    };
    const steps = Object.entries(batches).map(([name, texts]) => {
      const step: Step = async (client, pk) => {
        const Statements = texts.map((text) => ({ Statement: text.replace(/\bP\b/, `'${pk}'`) }));
        const { Responses = [] } = await client.send(new BatchExecuteStatementCommand({ Statements }));
        return Responses.map(({ Item, Error: error }) => ({ Item, code: error?.Code }));
      };
      return [name, step] as const;
    });
    const [ours = {}, theirs = {}] = await outcomes(context, Object.fromEntries(steps));
    const outcomeOnly = (all: Record<string, unknown>) =>
      Object.entries(all).map(([name, text]) => [name, JSON.parse(`${text}`).outcome]);

    // Their items are left out: DynamoDB Local writes some of a batch that it then refuses.
    expect(outcomeOnly(ours)).toEqual(outcomeOnly(theirs));
  });
});

describe("expressions", () => {
  it("change items alike", async (context) => {
    const steps = UPDATES.map(([UpdateExpression, ExpressionAttributeValues]) => {
      const step: Step = async (client, pk) => {
        const Key = { pk: S(pk), sk: S("1") };
        await client.send(
          new UpdateItemCommand({ TableName: TABLE, Key, UpdateExpression, ExpressionAttributeValues }),
        );
        return "done";
      };
      return [`${UpdateExpression} ${JSON.stringify(ExpressionAttributeValues)}`, step] as const;
    });
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });

  it("judge conditions alike", async (context) => {
    const steps = EXPRESSIONS.map(([ConditionExpression, values = {}]) => {
      const step: Step = async (client, pk) => {
        await client.send(
          new UpdateItemCommand({
            TableName: TABLE,
            Key: { pk: S(pk), sk: S("1") },
            ConditionExpression,
            UpdateExpression: "SET done = :done",
            ExpressionAttributeValues: { ...values, ":done": N(1) },
          }),
        );
        return "done";
      };
      return [`${ConditionExpression} ${JSON.stringify(values)}`, step] as const;
    });
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });

  it("filter alike", async (context) => {
    const steps = EXPRESSIONS.map(([FilterExpression, values = {}]) => {
      const step: Step = async (client, pk) => {
        const { Items, Count, ScannedCount } = await client.send(
          new QueryCommand({
            TableName: TABLE,
            KeyConditionExpression: "pk = :pk",
            FilterExpression,
            ExpressionAttributeValues: { ...values, ":pk": S(pk) },
          }),
        );
        return { Items, Count, ScannedCount };
      };
      return [`${FilterExpression} ${JSON.stringify(values)}`, step] as const;
    });
    const [ours, theirs] = await outcomes(context, Object.fromEntries(steps));

    expect(ours).toEqual(theirs);
  });
});
