import { isObject, objectsOf, parseObject } from "../../localstack/json.ts";
import { isFinal, type TaskState, toState } from "../../shared/results/record.ts";
import type { Answer, Call, Route } from "./proxy.ts";

/** Sees every write of a task's state that DynamoDB took, whether or not its writer lived to hear of it. */
export interface Witness {
  /** A route that goes the way of `route` and is watched where it enters the cloud, behind every fault. */
  watch(route: Route): Route;
  /** The last state that was written. */
  stateOf(id: string): TaskState | undefined;
  /** How many states were written. */
  writes(): number;
  /** How many tasks have a final state. */
  ended(): number;
  /** Writes of a state over a final one: what must never be. */
  readonly overwritten: readonly string[];
  /** Claims of a task whose holder's function, by a true clock, still had time. */
  readonly takenEarly: readonly string[];
  /** Resolves when `condition` holds; it is asked again after each write. */
  until(condition: () => boolean): Promise<void>;
}

interface Seen {
  state: TaskState;
  /** Milliseconds by the clock of the test; 0 if nobody holds the task. */
  functionEnd: number;
}

interface StateWrite {
  id: string;
  state: TaskState;
  /** Of a claim: no longer than this has its function. */
  functionSeconds: number | undefined;
}

export function createWitness(): Witness {
  const seen = new Map<string, Seen>();
  const overwritten: string[] = [];
  const takenEarly: string[] = [];
  const waiting = new Set<() => void>();
  let writes = 0;
  let ended = 0;

  const note = ({ id, state, functionSeconds }: StateWrite): void => {
    writes += 1;
    const before = seen.get(id);
    if (before && isFinal(before.state)) overwritten.push(`${id}: ${before.state} became ${state}`);
    else if (isFinal(state)) ended += 1;
    if (before?.state === "STARTED" && state === "STARTED" && Date.now() < before.functionEnd) {
      takenEarly.push(`${id}: ${before.functionEnd - Date.now()} ms before its function's end`);
    }
    // By the clock of the test. A function's time is told in whole seconds, rounded up.
    const functionEnd = functionSeconds === undefined ? 0 : Date.now() + (functionSeconds - 1) * 1000;
    seen.set(id, { state, functionEnd });
    for (const look of waiting) look();
  };

  return {
    watch: (route) => (call, forward) =>
      route(call, async (passed) => {
        const answer = await forward(passed);
        if (answer.status === 200) for (const write of stateWritesOf(passed, answer)) note(write);
        return answer;
      }),
    stateOf: (id) => seen.get(id)?.state,
    writes: () => writes,
    ended: () => ended,
    overwritten,
    takenEarly,
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** The states of task records that a call has set; a PENDING that gives way to any other state sets none. */
function stateWritesOf({ operation, body }: Call, answer: Answer): StateWrite[] {
  const request = parseObject(body.toString()) ?? {};
  if (operation === "DynamoDB.UpdateItem") {
    const { Key, UpdateExpression, ExpressionAttributeValues } = request;
    const [, value] = /#state = (:\w+)/.exec(String(UpdateExpression)) ?? [];
    return stateWrite({
      pk: textOf(Key, "pk"),
      sk: textOf(Key, "sk"),
      state: value && textOf(ExpressionAttributeValues, value),
      functionSeconds: numberOf(ExpressionAttributeValues, ":functionSeconds"),
    });
  }
  if (operation !== "DynamoDB.BatchExecuteStatement") return [];
  const responses = objectsOf(parseObject(answer.body.toString())?.Responses);
  return objectsOf(request.Statements).flatMap(({ Statement, Parameters }, index) => {
    if (responses[index]?.Error !== undefined || !Array.isArray(Parameters)) return [];
    /** The value that a statement gives to an attribute: its placeholder's, by the number of those before it. */
    const given = (pattern: RegExp): unknown => {
      const found = pattern.exec(String(Statement));
      return found ? Parameters[String(Statement).slice(0, found.index).split("?").length - 1] : undefined;
    };
    const set = (name: string): unknown => given(new RegExp(`SET "${name}"=\\?|'${name}':\\?`));
    return stateWrite({
      pk: textOf({ pk: given(/"pk"=\?|'pk':\?/) }, "pk"),
      sk: textOf({ sk: given(/"sk"=\?|'sk':\?/) }, "sk"),
      state: /SET "state"='(\w+)'|'state':'(\w+)'/.exec(String(Statement))?.slice(1).find(Boolean),
      functionSeconds: numberOf({ seconds: set("functionSeconds") }, "seconds"),
    });
  });
}

function stateWrite(found: {
  pk: string | undefined;
  sk: string | undefined;
  state: string | undefined;
  functionSeconds: number | undefined;
}): StateWrite[] {
  const { pk, sk = "", state, functionSeconds } = found;
  if (state === undefined || !pk?.startsWith("task#")) return [];
  return [{ id: sk, state: toState(state), functionSeconds }];
}

function numberOf(attributes: unknown, name: string): number | undefined {
  const attribute = isObject(attributes) ? attributes[name] : undefined;
  return isObject(attribute) && typeof attribute.N === "string" ? Number(attribute.N) : undefined;
}

/** A text attribute in DynamoDB's own JSON. */
function textOf(attributes: unknown, name: string): string | undefined {
  const attribute = isObject(attributes) ? attributes[name] : undefined;
  return isObject(attribute) && typeof attribute.S === "string" ? attribute.S : undefined;
}
