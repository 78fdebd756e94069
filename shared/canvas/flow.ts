import type { FailedNode, TaskError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Definition, Place } from "../workflows/definition.ts";

/** The tasks that this process knows: a sender those of its signatures, a worker all of the service, some of which it has yet to load. */
export interface KnownTasks {
  find(name: string): Promise<RegisteredTask | undefined> | RegisteredTask | undefined;
  /** Adds those of a member that was read while its workflow is sent; a worker knows them already. */
  learn?(tasks: readonly RegisteredTask[]): void;
  /** Tells a task that it has failed without a run; only a worker can. */
  failed?(message: Message, error: TaskError): Promise<void>;
}

/** A workflow that goes on. */
export interface Flow {
  app: App;
  tasks: KnownTasks;
  definition: Definition;
  /** This step may have been taken before: what it would send is looked for first, or each copy of a message would run through all the rest. */
  again?: boolean;
}

/** The value that a node gets: the outcome of the node at a place, or an item of that list, which is an item of the one before, and so on. */
export interface Input {
  /** `1.0`, or `1.0#5` for the item 5 of its result. */
  ref: string;
  /** The value itself, where it is at hand. */
  value?: Json;
}

/** The surroundings in which a node starts. */
export interface Start {
  /** Undefined for a first one. */
  input?: Input | undefined;
  /** The task that it is shown to be a child of. */
  parentId?: string | undefined;
  /** Of a whole that is delayed. */
  eta?: string | undefined;
}

/** The end of a node. */
export type Outcome =
  /** `value` is there if it is at hand; it lies in the records all the same. */
  | { state: "SUCCESS"; value?: Json }
  /** The tasks that did not end well, the first of them, and how many there are. */
  | { state: "FAILURE" | "REVOKED"; failed: readonly FailedNode[]; count: number };

/** The input that is an item of a list. */
export function itemOf(input: Input, index: number): Input {
  const item = Array.isArray(input.value) ? input.value[index] : undefined;
  return { ref: `${input.ref}#${index}`, ...(item !== undefined && { value: item }) };
}

/** The input that is the outcome of a place. */
export function outcomeInput(place: Place, value?: Json): Input {
  return { ref: place, ...(value !== undefined && { value }) };
}
