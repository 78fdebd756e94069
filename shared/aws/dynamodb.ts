import { DeleteItemCommand, DynamoDBClient, QueryCommand, type QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import type { Log } from "../log.ts";
import { allOf, between, type Change, type Condition, conditionText, equal, type Item, type Key } from "./change.ts";
import { Names } from "./expressions.ts";
import { fromAttributes, toAttributes } from "./items.ts";
import { createReads } from "./reads.ts";
import { clientSettings } from "./settings.ts";
import { createWrites, standIns, type UpdateOutcome } from "./writes.ts";

/** The index of the table: failed records by their kind. It holds keys alone. */
const INDEXES = { failures: { hash: "failureGroup" } } as const;

interface Query {
  /** @defaultValue the table itself */
  index?: keyof typeof INDEXES;
  /** Of an index, its own key. */
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

/** The answer of one call. */
interface QueryPage {
  items: Item[];
  /** Items that were read, also those that are not shown. */
  read: number;
  /** The sort key up to which they were read; absent at the end. */
  readTo?: string;
}

export interface Table {
  /** Makes a change, if its condition holds. Changes of the same moment share calls. */
  update(change: Change): Promise<UpdateOutcome>;
  /** Strongly consistent: a decision rests on it. Reads of the same moment share calls. */
  get(key: Key): Promise<Item | undefined>;
  query(query: Query): Promise<Item[]>;
  /** One call of a query: a bound on what it costs. */
  queryPage(query: Omit<Query, "limit" | "index">): Promise<QueryPage>;
  /** Deletes an item; one that is gone already is no error. */
  remove(key: Key): Promise<void>;
}

type Start = QueryCommandOutput["LastEvaluatedKey"];

/** One table, and the four calls on it that Lovage makes. Every write is one conditional update of one item. */
export function createTable(tableName: () => string, log: Log): Table {
  let client: DynamoDBClient | undefined;
  const connect = (): DynamoDBClient => {
    client ??= new DynamoDBClient(clientSettings);
    return client;
  };

  const queryOnce = async (
    { index, pk, from, to, pageSize, filter, keep, oldestFirst = false, consistent = false }: Omit<Query, "limit">,
    start?: Start,
  ): Promise<QueryPage & { last?: Start }> => {
    // DynamoDB refuses a range that ends before it begins, such as a cursor after all that a prefix means.
    if (Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0) return { items: [], read: 0 };
    const names = new Names();
    const keys = conditionText(allOf(equal(index ? INDEXES[index].hash : "pk", pk), between("sk", from, to)), names);
    const filterText = filter && conditionText(filter, names);
    const answer = await connect().send(
      new QueryCommand({
        TableName: tableName(),
        ...(index && { IndexName: index }),
        KeyConditionExpression: keys,
        ...(filterText && { FilterExpression: filterText }),
        ...standIns(names),
        ScanIndexForward: oldestFirst,
        ConsistentRead: consistent,
        Limit: pageSize,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    const found = (answer.Items ?? []).map(fromAttributes);
    const { ScannedCount: read = 0, LastEvaluatedKey: last } = answer;
    const end = last && { last, readTo: String(fromAttributes(last).sk) };
    return { items: keep ? found.filter(keep) : found, read, ...end };
  };

  return {
    get: createReads({ client: connect, tableName, log }),
    update: createWrites({ client: connect, tableName, log }),
    async query({ limit, ...query }) {
      const items: Item[] = [];
      for (let start: Start; ; ) {
        const answer = await queryOnce(query, start);
        items.push(...answer.items);
        start = answer.last;
        if (start === undefined || items.length >= limit) return items.slice(0, limit);
      }
    },
    async queryPage(query) {
      const { last, ...page } = await queryOnce(query);
      return page;
    },
    async remove(key) {
      await connect().send(new DeleteItemCommand({ TableName: tableName(), Key: toAttributes({ ...key }) }));
    },
  };
}
