/**
 * Writes a workflow down. One that is known as a whole is checked, and stored in one go. Members that are given one by one are read, checked
 * and stored as they come, and no more than a part of the definition is in memory; it begins when the last of them is stored, so that a
 * sender that dies among them, or whose members end in an error, has sent nothing (docs/decisions/0070-members-one-by-one.md).
 */

import { createHash, type Hash } from "node:crypto";
import { InvalidWorkflowError } from "../errors.ts";
import { toJsonText } from "../message/json.ts";
import type { App } from "../task/current-app.ts";
import { type Draft, isUnread, isWhole, type Members } from "../task/draft.ts";
import { canvasOf } from "../task/signature.ts";
import type { Definition, Node, TaskNode } from "../workflows/definition.ts";
import type { DefinitionWriter } from "../workflows/definitions.ts";
import { countMember, nodeOfCode, nodeWithin, placeIn, type Walk } from "../workflows/read-node.ts";
import { type Checking, checkNode, checkPart, type Position, refuseLong, refuseNothingBefore } from "./check.ts";

/** A workflow that is written down, but for what the whole is called. */
export interface Written {
  /** The root; groups whose members were read one by one have none here. */
  root: Node;
  /** The seconds by which its own delays put off the end. */
  delaySeconds: number;
  /** The SHA-256 of the root's text, where nobody has that whole. */
  hash?: string;
  /** Stores the definition; with this it is there. May be asked once. False if it was there before. */
  define(definition: Definition): Promise<boolean>;
}

/** Checks a root that code has made, and stores what of it cannot be kept. @throws InvalidWorkflowError, and what its members throw */
export async function writeDown(app: App, checking: Checking, id: string, draft: Draft): Promise<Written> {
  if (isWhole(draft)) return writeWhole(app, checking, nodeOfCode(draft));
  const writer = app.workflows.write(id);
  const spool = new Spool(checking, writer);
  const { delaySeconds, node } = await spool.add(draft, { path: "", isFirst: true }, 1);
  refuseLong(checking, {}, delaySeconds);
  return {
    root: node,
    delaySeconds,
    hash: spool.hash.digest("base64"),
    define: ({ root: _, ...rest }) => writer.define(rest),
  };
}

/** The same of a root that is read already. */
export async function writeWhole(app: App, checking: Checking, root: Node): Promise<Written> {
  const delaySeconds = await checkNode(checking, root);
  return {
    root,
    delaySeconds,
    define: (definition) => app.workflows.define(definition),
  };
}

interface Added {
  delaySeconds: number;
  node: Node;
}

class Spool {
  readonly #checking: Checking;
  readonly #writer: DefinitionWriter;
  readonly #count: Walk["count"] = { nodes: 0, bytes: 0 };
  readonly hash: Hash = createHash("sha256");

  constructor(checking: Checking, writer: DefinitionWriter) {
    this.#checking = checking;
    this.#writer = writer;
  }

  /** Adds a node, and all within it. */
  async add(draft: Draft, position: Position, depth: number): Promise<Added> {
    if (!isWhole(draft)) return this.#addParts(draft, position, depth);
    const node = nodeWithin(draft, { path: position.path, depth, count: this.#count });
    await this.#write(toJsonText(node));
    return { delaySeconds: await checkPart(this.#checking, node, position), node };
  }

  async #addParts(draft: Exclude<Draft, TaskNode>, position: Position, depth: number): Promise<Added> {
    const { path, isFirst } = position;
    const { link, linkError } = draft;
    const policy = "policy" in draft ? draft.policy : undefined;
    const rest = { ...(policy !== undefined && { policy }), ...(link && { link }), ...(linkError && { linkError }) };
    // All that stands beside its parts is checked as that of a group without any.
    const bare = nodeWithin({ group: [], ...rest }, { path, depth, count: this.#count });
    await checkPart(this.#checking, bare, position);
    const behind = toJsonText({ ...bare, group: [] }).slice('{"group":['.length);
    const within = (name: string, first = isFirst): Position => ({ path: placeIn(path, name), isFirst: first });

    if ("chain" in draft) {
      await this.#write('{"chain":[');
      const { chain, delaySeconds } = await this.#addSteps(draft.chain, within("chain"), depth + 1);
      await this.#write(behind);
      return { delaySeconds, node: { chain, ...rest } };
    }
    if ("each" in draft) {
      if (isFirst) refuseNothingBefore(placeIn(path, "each"));
      await this.#write('{"each":');
      const { delaySeconds, node } = await this.add(draft.each, within("each", false), depth + 1);
      await this.#write(behind.slice("]".length));
      return { delaySeconds, node: { each: node, ...rest } };
    }
    await this.#write('{"group":[');
    const members = isUnread(draft) ? this.#read(draft.members, placeIn(path, "group")) : draft.group;
    const delaySeconds = await this.#addMembers(members, within("group"), depth + 1);
    await this.#write(behind);
    return { delaySeconds, node: { group: [], ...rest } };
  }

  async #addSteps(steps: readonly Draft[], { path, isFirst }: Position, depth: number) {
    const chain: Node[] = [];
    let sum = 0;
    for (const [index, step] of steps.entries()) {
      if (index > 0) await this.#write(",");
      const position = { path: `${path}[${index}]`, isFirst: isFirst && index === 0 };
      const { delaySeconds, node } = await this.add(step, position, depth);
      sum += delaySeconds;
      chain.push(node);
    }
    return { chain, delaySeconds: sum };
  }

  async #addMembers(members: Iterable<Draft> | AsyncIterable<Draft>, { path, isFirst }: Position, depth: number) {
    let [longest, index] = [0, 0];
    // A refusal tells whatever gives them that no more are wanted.
    for await (const member of members) {
      countMember(index, path);
      if (index > 0) await this.#write(",");
      const { delaySeconds } = await this.add(member, { path: `${path}[${index}]`, isFirst }, depth);
      longest = Math.max(longest, delaySeconds);
      index += 1;
    }
    return longest;
  }

  /** Members, one by one; their tasks are known from then on. @throws InvalidWorkflowError for what is none, and for those that were read before */
  async *#read(members: Members, path: string): AsyncGenerator<Draft> {
    let index = 0;
    for await (const member of unread(members, path)) {
      const { node, tasks } = canvasOf(member, `${path}[${index}]`);
      this.#checking.tasks.learn?.(tasks);
      yield node;
      index += 1;
    }
  }

  async #write(text: string): Promise<void> {
    this.hash.update(text);
    await this.#writer.push(text);
  }
}

/** Iterators that were gone through: nothing would come of them a second time. */
const read = new WeakSet<object>();

/** Members that nobody has read; a generator gives them once, and is its own iterator. */
function unread(members: Members, path: string): Members {
  if (Symbol.asyncIterator in members) {
    const iterator = members[Symbol.asyncIterator]();
    readOnce(iterator, members, path);
    return { [Symbol.asyncIterator]: () => iterator };
  }
  const iterator = members[Symbol.iterator]();
  readOnce(iterator, members, path);
  return { [Symbol.iterator]: () => iterator };
}

/** @throws InvalidWorkflowError for members that were read before: none would come a second time, and an empty group would be sent */
function readOnce(iterator: object, members: Members, path: string): void {
  if (!Object.is(iterator, members)) return;
  if (read.has(iterator)) {
    throw new InvalidWorkflowError(
      path,
      "members that an earlier send has read",
      "a list, which may be sent again, or a group that is made anew",
    );
  }
  read.add(iterator);
}
