/** Signatures: calls that are written down instead of made, to be composed. They are values: using one changes nothing of it. */

import { InvalidWorkflowError } from "../errors.ts";
import { type Json, parseJson } from "../message/json.ts";
import { payloadVersionField } from "../message/payload-version.ts";
import { payloadText } from "../message/user-values.ts";
import type { Node, NodeOptions, TaskNode } from "../workflows/definition.ts";
import type { AsyncResult } from "./async-result.ts";
import { type Draft, wholeNode } from "./draft.ts";
import { type ApplyOptions, checkNames } from "./options.ts";
import type { RegisteredTask } from "./registered-task.ts";

declare const TYPES: unique symbol;

/** Options of a signature: those of a call but for the ones that say which of several calls runs, and `ignoreResult`. */
export type SignatureOptions = Pick<
  ApplyOptions,
  "countdown" | "eta" | "expires" | "queue" | "tags" | "headers" | "messageGroupId" | "timeLimit" | "softTimeLimit"
>;

/** Options of a whole: `countdown` and `eta` delay its first tasks, `expires` holds for all, the others where a node says nothing else. */
export type CanvasOptions = Pick<ApplyOptions, "countdown" | "eta" | "expires" | "queue" | "tags" | "headers"> & {
  /** One workflow per key, as of one task. */
  idempotencyKey?: string;
};

/** Nothing is missing where a whole begins: it can be sent as it is. */
export type Startable<In> = unknown extends In
  ? []
  : Record<string, never> extends In
    ? []
    : [missing: "It cannot be sent by itself: its first task still needs fields, or the result of a step before it."];

/** Any canvas, without its types. */
export interface AnyCanvas {
  readonly node: Draft;
  readonly tasks: readonly RegisteredTask[];
}

/** @throws InvalidWorkflowError for whoever has no compiler */
export function canvasOf(value: unknown, path: string): AnyCanvas {
  if (isCanvas(value)) return value;
  throw new InvalidWorkflowError(path, value, "a signature, chain, group, chord or each");
}

function isCanvas(value: unknown): value is AnyCanvas {
  return typeof value === "object" && value !== null && "node" in value && "tasks" in value;
}

/** A task that takes a value. */
interface Takes<Value> extends AnyCanvas {
  readonly node: TaskNode;
  readonly [TYPES]?: (input: Value) => [unknown, unknown];
}

/** The types of a canvas. */
export type InOf<C> = C extends { readonly [TYPES]?: (input: infer In) => unknown } ? In : never;
export type OutOf<C> = C extends { readonly [TYPES]?: (input: never) => [infer Out, unknown] } ? Out : never;
export type HandleOf<C> = C extends { readonly [TYPES]?: (input: never) => [unknown, infer Handle] } ? Handle : never;

/** Sends whole workflows; the room above does. */
type Start = (canvas: AnyCanvas, options: CanvasOptions) => Promise<unknown>;

let start: Start | undefined;

/** Names the sender of workflows; `shared/app.ts` does so when it is imported. */
export function provideStart(given: Start): void {
  start = given;
}

/**
 * A task, chain, group, chord or `each`, as a value.
 * @typeParam In what it takes from the step before it
 * @typeParam Out its result
 */
export class Canvas<In, Out, Handle = unknown> {
  /** As `POST /workflows` takes it, but for groups whose members are not read yet. */
  readonly node: Draft;
  /** The tasks that it names. */
  readonly tasks: readonly RegisteredTask[];
  declare readonly [TYPES]?: (input: In) => [Out, Handle];

  constructor(node: Draft, tasks: readonly RegisteredTask[]) {
    this.node = node;
    this.tasks = tasks;
  }

  /**
   * Adds tasks that are sent when this has succeeded, each with its result; they are no part of it, and change nothing of its outcome.
   * On a group it means the whole group, with the list of results.
   */
  link(...callbacks: readonly Takes<Out>[]): this {
    const link = [...(this.node.link ?? []), ...callbacks.map(({ node }) => node)];
    return this.with({ ...this.node, link }, callbacks);
  }

  /**
   * Adds tasks that are sent, once, when this has failed for good or was revoked. Each gets the fields `id` and `task` of the failed task,
   * its `error` with `name` and `message`, and the id of the `workflow`, beside the fields that it has.
   */
  linkError(...callbacks: readonly Takes<Failed>[]): this {
    const linkError = [...(this.node.linkError ?? []), ...callbacks.map(({ node }) => node)];
    return this.with({ ...this.node, linkError }, callbacks);
  }

  /** As `linkError`: Celery's name for it on a whole. */
  onError(...callbacks: readonly Takes<Failed>[]): this {
    return this.linkError(...callbacks);
  }

  /** Sends it. @throws as `applyAsync` of a task does, and InvalidWorkflowError; nothing was sent then */
  delay(...missing: Startable<In>): Promise<Handle> {
    return this.applyAsync({}, ...missing);
  }

  /** Sends it with options. @throws as `delay` */
  async applyAsync(options: CanvasOptions, ..._missing: Startable<In>): Promise<Handle> {
    if (start === undefined) throw new Error("No sender of workflows is set: import tasks through shared/index.ts.");
    // The one place where a handle gets its type: the shape that was made with it says what kind it is.
    return (await start(this, options)) as Handle;
  }

  /** @throws InvalidWorkflowError for members that are read when they are sent */
  toJSON(): Node {
    return wholeNode(this.node);
  }

  /** The same with another node. */
  protected with(node: Draft, more: readonly AnyCanvas[]): this {
    const tasks = [...this.tasks, ...more.flatMap((one) => one.tasks)];
    return Object.assign(Object.create(Object.getPrototypeOf(this)), { node, tasks });
  }
}

/** The fields that a callback of a failure gets. */
export type Failed = {
  id: string;
  task: string;
  error: { name: string; message: string; code?: string };
  workflow: string;
};

/** One task, with what is known of its payload. */
export class Signature<In, Out> extends Canvas<In, Out, AsyncResult<Out>> {
  declare readonly node: TaskNode;

  /** Another signature, whose field becomes the whole result of the step before it. */
  into<Field extends keyof In & string>(field: Field): Signature<IntoField<In, Field>, Out> {
    return new Signature({ ...this.node, into: field }, this.tasks);
  }

  /** Another signature, with options beside those that it has. @throws UnknownOptionError */
  set(options: SignatureOptions): this {
    return this.with({ ...this.node, options: { ...this.node.options, ...nodeOptions(options) } }, []);
  }
}

/** The field alone, if nothing else is missing. */
type IntoField<In, Field extends keyof In> =
  Record<string, never> extends Omit<In, Field>
    ? In[Field]
    : { "fields that are still missing beside it": Exclude<keyof In, Field> };

/** The fields that are not known yet. */
export type Missing<Input, Known> = {
  [Field in keyof Input as Field extends keyof Known ? never : Field]: Input[Field];
};

/** `s()` of a task: with no known field, whatever its payload is comes from the step before. */
export interface SignatureCall<Input, Result> {
  (): Signature<Input, Result>;
  <const Known extends Partial<Input>>(
    known: Known & { [Field in Exclude<keyof Known, keyof Input>]: never },
  ): Signature<Missing<Input, Known>, Result>;
}

/** @throws InvalidPayloadError for a value that JSON cannot hold */
export function createSignature<In, Out>(
  task: RegisteredTask,
  payload: unknown,
  isImmutable: boolean,
): Signature<In, Out> {
  const known: Json | undefined = payload === undefined ? undefined : parseJson(payloadText(task.name, payload));
  const node: TaskNode = {
    task: task.name,
    ...(known !== undefined && { payload: known }),
    ...payloadVersionField(task.payloadVersion),
    ...(isImmutable && { immutable: true }),
  };
  return new Signature(node, [task]);
}

const NAMES: readonly (keyof SignatureOptions)[] = [
  ...(["countdown", "eta", "expires", "queue", "tags", "headers"] as const),
  ...(["messageGroupId", "timeLimit", "softTimeLimit"] as const),
];

/** Options as a definition keeps them: times as texts, copies of what the caller may change. */
function nodeOptions(options: SignatureOptions): NodeOptions {
  checkNames(options, NAMES);
  const { eta, expires, tags, headers, ...rest } = options;
  return {
    ...rest,
    ...(eta !== undefined && { eta: timeText(eta) }),
    ...(expires !== undefined && { expires: typeof expires === "number" ? expires : timeText(expires) }),
    ...(tags && { tags: [...tags] }),
    ...(headers && { headers: { ...headers } }),
  };
}

/** A Date that is none is refused where the options are checked. */
function timeText(time: Date | string): string {
  return typeof time === "string" ? time : Number.isNaN(time.getTime()) ? "Invalid Date" : time.toISOString();
}
