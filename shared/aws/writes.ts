/**
 * Writes of one moment share a call. The SDK spends 0.4 ms of a core on each call, whatever it carries; `BatchExecuteStatement` takes 25
 * changes, each with a condition and an outcome of its own. A change that is alone in its moment goes as `UpdateItem`, and so does each
 * that a statement cannot say or could not make. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
 */

import {
  BatchExecuteStatementCommand,
  type BatchStatementResponse,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { describeError } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Change, conditionText, created, type Item, mayCreate } from "./change.ts";
import { Names, updateText } from "./expressions.ts";
import { fromAttributes, toAttribute, toAttributes } from "./items.ts";
import { isRefusal, isUnreadable } from "./refusal.ts";
import { insertStatement, isInsert, type Statement, toStatement, triesInsert } from "./statements.ts";

export type UpdateOutcome =
  | { applied: true; attributes: Item }
  /** The condition was false; `item` is what it was tested against, absent if there is none. A change of `NEW` items is not told. */
  | { applied: false; item: Item | undefined };

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html */
const MAX_STATEMENTS = 25;

/** While so many shared calls are under way, further changes gather for the next one, */
const CALLS_AT_ONCE = 3;
/** but for no longer than this: a call that hangs must not hold up tasks that have nothing to do with it. */
const GATHER_MILLISECONDS = 10;

/** A statement that the answer leaves out: DynamoDB may have done it or not. */
const NOT_ANSWERED: BatchStatementResponse = { Error: { Code: "InternalServerError" } };

/** A change whose outcome somebody waits for. */
interface Pending {
  change: Change;
  resolve: (outcome: UpdateOutcome) => void;
  reject: (error: unknown) => void;
}

/** A pending change that is said as a statement. */
interface Shared extends Pending {
  statement: Statement;
}

/** @param client of a table that is named when the first change is made */
export function createWrites(options: {
  client: () => DynamoDBClient;
  tableName: () => string;
  log: Log;
}): (change: Change) => Promise<UpdateOutcome> {
  const { client, tableName, log } = options;
  let gathered: Pending[] = [];
  let underWay = 0;
  let speaksPartiQL = true;
  let late: NodeJS.Timeout | undefined;

  const alone = async ({ change, resolve, reject }: Pending): Promise<void> => {
    await update(client(), tableName(), change).then(resolve, reject);
  };

  const send = (): void => {
    clearTimeout(late);
    late = undefined;
    if (gathered.length === 0) return;
    const changes = gathered;
    gathered = [];
    const { shared, single } =
      speaksPartiQL && changes.length > 1 ? share(tableName(), changes) : { shared: [], single: changes };
    for (const one of single) void alone(one);
    for (const batch of shared) {
      underWay += 1;
      execute(batch)
        .catch((error: unknown) => afterError(batch, error))
        .finally(() => {
          underWay -= 1;
          if (underWay < CALLS_AT_ONCE) send();
        });
    }
  };

  /** Sends statements of different items in one call, and tells each change its own outcome. */
  const execute = async (batch: readonly Shared[]): Promise<void> => {
    const answers = await ask(batch.map(({ statement }) => statement));
    const toCreate: Pending[] = [];
    const others: Promise<void>[] = [];
    for (const [index, one] of batch.entries()) {
      const { Item: item, Error: error } = answers[index] ?? NOT_ANSWERED;
      if (error === undefined) one.resolve({ applied: true, attributes: attributesAfter(one.change, item) });
      else if (error.Code === "DuplicateItem" && isInsert(one.change)) one.resolve({ applied: false, item: undefined });
      else if (error.Code !== "ConditionalCheckFailed") {
        // A role from before allows UpdateItem alone.
        if (error.Code === "AccessDenied") stopSharing(error.Message);
        others.push(alone(one));
      } else if (error.Item) one.resolve({ applied: false, item: fromAttributes(error.Item) });
      else if (mayCreate(one.change)) toCreate.push(one);
      else one.resolve({ applied: false, item: undefined });
    }
    await Promise.all([create(toCreate), ...others]);
  };

  /** Makes changes of items that are not there. One that somebody has created meanwhile is found by the `UpdateItem` that follows. */
  const create = async (changes: readonly Pending[]): Promise<void> => {
    if (changes.length < 2) return void (await Promise.all(changes.map(alone)));
    const items = changes.map(({ change }) => created(change));
    let answers: BatchStatementResponse[];
    try {
      answers = await ask(items.map((item) => insertStatement(tableName(), item)));
    } catch (error) {
      // Of these alone: the others of the batch have their outcomes, and must not be made again.
      return afterError(changes, error);
    }
    await Promise.all(
      changes.map(async (one, index) => {
        const { Error: error } = answers[index] ?? NOT_ANSWERED;
        if (error === undefined) one.resolve({ applied: true, attributes: items[index] ?? {} });
        else await alone(one);
      }),
    );
  };

  const ask = async (statements: readonly Statement[]): Promise<BatchStatementResponse[]> => {
    const { Responses = [] } = await client().send(
      new BatchExecuteStatementCommand({
        Statements: statements.map(({ text, parameters }) => ({
          Statement: text,
          Parameters: parameters.map(toAttribute),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        })),
      }),
    );
    return Responses;
  };

  const stopSharing = (error: unknown): void => {
    if (!speaksPartiQL) return;
    speaksPartiQL = false;
    log.warn("DynamoDB refused to make several changes in one call: each goes alone from now on", {
      error: describeError(error),
    });
  };

  /** A whole call was not answered. */
  const afterError = async (batch: readonly Pending[], error: unknown): Promise<void> => {
    if (!isRefusal(error) && !isUnreadable(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    // Nothing of it was done, or nobody knows: another cloud may know no statements. Each change bears to be made again.
    stopSharing(error);
    await Promise.all(batch.map(alone));
  };

  return (change) =>
    new Promise((resolve, reject) => {
      gathered.push({ change, resolve, reject });
      if (underWay >= CALLS_AT_ONCE) late ??= setTimeout(send, GATHER_MILLISECONDS);
      // After the callbacks that are due now: whatever else they write joins this call, and nobody waits longer.
      else if (gathered.length === 1) setImmediate(send);
    });
}

/** An INSERT answers with nothing; the item is what it was told to be. */
function attributesAfter(change: Change, item: BatchStatementResponse["Item"]): Item {
  return triesInsert(change) ? created(change) : fromAttributes(item ?? {});
}

/** Puts changes into calls: no two of one item, which DynamoDB would refuse together. A call of one is none. */
function share(table: string, changes: readonly Pending[]): { shared: Shared[][]; single: Pending[] } {
  const batches: { keys: Set<string>; statements: Shared[] }[] = [];
  const single: Pending[] = [];
  for (const one of changes) {
    const statement = toStatement(table, one.change);
    if (statement === undefined) {
      single.push(one);
      continue;
    }
    const key = JSON.stringify([one.change.key.pk, one.change.key.sk]);
    let batch = batches.find(({ keys, statements }) => statements.length < MAX_STATEMENTS && !keys.has(key));
    if (batch === undefined) {
      batch = { keys: new Set(), statements: [] };
      batches.push(batch);
    }
    batch.keys.add(key);
    batch.statements.push({ ...one, statement });
  }
  const full = batches.filter(({ statements }) => statements.length > 1);
  const lone = batches.filter(({ statements }) => statements.length === 1).flatMap(({ statements }) => statements);
  return { shared: full.map(({ statements }) => statements), single: [...single, ...lone] };
}

async function update(client: DynamoDBClient, table: string, change: Change): Promise<UpdateOutcome> {
  const names = new Names();
  const expression = updateText(change, names);
  const condition = change.when && conditionText(change.when, names);
  try {
    const answer = await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: toAttributes({ ...change.key }),
        ...(expression && { UpdateExpression: expression }),
        ...(condition && { ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
        ...standIns(names),
        ReturnValues: change.returns ?? "NONE",
      }),
    );
    return { applied: true, attributes: fromAttributes(answer.Attributes ?? {}) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { applied: false, item: error.Item && fromAttributes(error.Item) };
  }
}

/** DynamoDB refuses an empty list of either. */
export function standIns({
  attributes,
  values,
}: Names): Pick<UpdateItemCommandInput, "ExpressionAttributeNames" | "ExpressionAttributeValues"> {
  return {
    ...(Object.keys(attributes).length > 0 && { ExpressionAttributeNames: attributes }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: toAttributes(values) }),
  };
}
