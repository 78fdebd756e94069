import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import {
  allOf,
  between,
  type Change,
  type Condition,
  conditionText,
  equal,
  type Item,
  type Key,
  Names,
  updateText,
} from "./change.ts";
import { clientSettings } from "./settings.ts";

export type UpdateOutcome =
  | { applied: true; attributes: Item }
  /** The condition was false; `item` is what it was tested against, absent if there is none. */
  | { applied: false; item: Item | undefined };

interface Query {
  pk: string;
  /** Bounds of the sort key, both included. */
  from: string;
  to: string;
  limit: number;
  /** Items that one call reads before `filter`; the call is repeated until `limit` are found. */
  pageSize: number;
  filter?: Condition;
  /** Tests what `filter` cannot say: items that it refuses count as not found. */
  keep?: (item: Item) => boolean;
  /** @defaultValue newest (highest sort key) first */
  oldestFirst?: boolean;
  /** Strongly consistent, for a decision that rests on it. @defaultValue false, which costs half */
  consistent?: boolean;
}

export interface Table {
  /** Makes a change, if its condition holds. */
  update(change: Change): Promise<UpdateOutcome>;
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
    async update(change) {
      const names = new Names();
      const update = updateText(change, names);
      const condition = conditionText(change.when, names);
      try {
        const answer = await connect().send(
          new UpdateItemCommand({
            TableName: tableName(),
            Key: marshall(change.key),
            ...(update && { UpdateExpression: update }),
            ...(condition && { ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: "ALL_OLD" }),
            ...standIns(names),
            ReturnValues: change.returns ?? "NONE",
          }),
        );
        return { applied: true, attributes: unmarshall(answer.Attributes ?? {}) };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { applied: false, item: error.Item && unmarshall(error.Item) };
      }
    },
    async query({ pk, from, to, limit, pageSize, filter, keep, oldestFirst = false, consistent = false }) {
      const names = new Names();
      const keys = conditionText(allOf(equal("pk", pk), between("sk", from, to)), names);
      const filterText = conditionText(filter, names);
      const items: Item[] = [];
      let start: QueryCommandOutput["LastEvaluatedKey"];
      do {
        const answer: QueryCommandOutput = await connect().send(
          new QueryCommand({
            TableName: tableName(),
            KeyConditionExpression: keys,
            ...(filterText && { FilterExpression: filterText }),
            ...standIns(names),
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

/** DynamoDB refuses an empty list of either. */
function standIns({
  attributes,
  values,
}: Names): Pick<UpdateItemCommandInput, "ExpressionAttributeNames" | "ExpressionAttributeValues"> {
  return {
    ...(Object.keys(attributes).length > 0 && { ExpressionAttributeNames: attributes }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: marshall(values) }),
  };
}
