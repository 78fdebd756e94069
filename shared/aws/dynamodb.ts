import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { clientSettings } from "./settings.ts";

/** What Lovage keeps in attributes: texts, numbers, sets of texts. Whatever a user passes or returns is JSON text. */
export type Item = Record<string, string | number | ReadonlySet<string> | undefined>;

export interface Key {
  pk: string;
  sk: string;
}

/** In expressions, `@name` stands for an attribute (so that no reserved word can bite) and `:name` for a value. */
export interface Update {
  key: Key;
  /** e.g. `SET @state = :state` */
  update: string;
  condition?: string;
  values: Item;
  /** Attributes to answer with: only those that were set, or the whole item. */
  returns?: "UPDATED_NEW" | "ALL_NEW";
}

export type UpdateOutcome =
  | { applied: true; attributes: Item }
  /** The condition was false; `item` is what it was tested against, absent if there is none. */
  | { applied: false; item: Item | undefined };

export interface Query {
  pk: string;
  /** Bounds of the sort key, both included. */
  from: string;
  to: string;
  limit: number;
  /** Items that one call reads before `filter`; the call is repeated until `limit` are found. */
  pageSize: number;
  filter?: string;
  values?: Item;
  /** What `filter` cannot say: items that it refuses count as not found. */
  keep?: (item: Item) => boolean;
  /** @defaultValue newest (highest sort key) first */
  oldestFirst?: boolean;
  /** Strongly consistent, for a decision that rests on it. @defaultValue false, which costs half */
  consistent?: boolean;
}

export interface Table {
  update(update: Update): Promise<UpdateOutcome>;
  /** Strongly consistent: a decision rests on it. */
  get(key: Key): Promise<Item | undefined>;
  query(query: Query): Promise<Item[]>;
  /** Deletes an item; one that is gone already is no error. */
  remove(key: Key): Promise<void>;
}

/** One table, and the four calls on it that Lovage makes. Every write is one conditional update of one item. */
export function createTable(tableName: () => string): Table {
  let client: DynamoDBClient | undefined;
  const connect = (): DynamoDBClient => {
    client ??= new DynamoDBClient(clientSettings);
    return client;
  };

  return {
    async get(key) {
      const answer = await connect().send(
        new GetItemCommand({ TableName: tableName(), Key: marshall(key), ConsistentRead: true }),
      );
      return answer.Item && unmarshall(answer.Item);
    },
    async update({ key, update, condition, values, returns }) {
      try {
        const answer = await connect().send(
          new UpdateItemCommand({
            TableName: tableName(),
            Key: marshall(key),
            UpdateExpression: update.replaceAll("@", "#"),
            ...(condition && {
              ConditionExpression: condition.replaceAll("@", "#"),
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            }),
            ...attributeNames(update, condition),
            ...attributeValues(values, update, condition),
            ReturnValues: returns ?? "NONE",
          }),
        );
        return { applied: true, attributes: unmarshall(answer.Attributes ?? {}) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { applied: false, item: error.Item && unmarshall(error.Item) };
      }
    },
    async query({ pk, from, to, limit, pageSize, filter, values, keep, oldestFirst = false, consistent = false }) {
      const items: Item[] = [];
      let start: QueryCommandOutput["LastEvaluatedKey"];
      do {
        const answer: QueryCommandOutput = await connect().send(
          new QueryCommand({
            TableName: tableName(),
            KeyConditionExpression: "#pk = :pk AND #sk BETWEEN :from AND :to",
            ...(filter && { FilterExpression: filter.replaceAll("@", "#") }),
            ExpressionAttributeNames: { "#pk": "pk", "#sk": "sk", ...attributeNames(filter).ExpressionAttributeNames },
            ...attributeValues({ pk, from, to, ...values }, ":pk :from :to", filter),
            ScanIndexForward: oldestFirst,
            ConsistentRead: consistent,
            Limit: pageSize,
            ...(start && { ExclusiveStartKey: start }),
          }),
        );
        const found = (answer.Items ?? []).map((item): Item => unmarshall(item));
        items.push(...(keep ? found.filter(keep) : found));
        start = answer.LastEvaluatedKey;
      } while (start && items.length < limit);
      return items.slice(0, limit);
    },
    async remove(key) {
      await connect().send(new DeleteItemCommand({ TableName: tableName(), Key: marshall(key) }));
    },
  };
}

function attributeNames(...expressions: (string | undefined)[]): { ExpressionAttributeNames?: Record<string, string> } {
  const names = expressions.flatMap((text) => [...(text ?? "").matchAll(/@(\w+)/g)].map((match) => match[1] ?? ""));
  return names.length === 0
    ? {}
    : { ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])) };
}

/** Only what the expressions use: DynamoDB refuses any other value. */
function attributeValues(
  values: Item,
  ...expressions: (string | undefined)[]
): Pick<UpdateItemCommand["input"], "ExpressionAttributeValues"> {
  const used = new Set(expressions.flatMap((text) => [...(text ?? "").matchAll(/:(\w+)/g)].map((match) => match[1])));
  const entries = Object.entries(values).filter(([name, value]) => value !== undefined && used.has(name));
  return entries.length === 0
    ? {}
    : { ExpressionAttributeValues: marshall(Object.fromEntries(entries.map(([name, value]) => [`:${name}`, value]))) };
}
