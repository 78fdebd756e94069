/** Reads a node that came as JSON: from HTTP, from code, or from the table. */

import { InvalidWorkflowError } from "../errors.ts";
import { byteLength, type Json, parseJson, toJsonText } from "../message/json.ts";
import { MAX_VALUE_BYTES } from "../message/large-values.ts";
import { isPayloadVersion, PAYLOAD_VERSION_EXPECTED } from "../message/payload-version.ts";
import {
  CHORD,
  type ChainNode,
  type EachNode,
  type GroupNode,
  isChainNode,
  isEachNode,
  isTaskNode,
  type Node,
  type NodeOptions,
  type Policy,
  type TaskNode,
} from "./definition.ts";

/** Bounds of a definition: what is larger is refused before anything is sent. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 32;
const MAX_BYTES = MAX_VALUE_BYTES;
/** Members of one group, and items of a list that `each` takes. */
export const MAX_MEMBERS = 100_000;
/** Callbacks of one node. */
const MAX_CALLBACKS = 10;

type Fields = { [field: string]: Json };

/** The place that a sentence names: `chain[1].group[0]`. */
export interface Walk {
  path: string;
  depth: number;
  count: { nodes: number; bytes: number };
  /** It comes from the table, where a newer version of Lovage may have written fields that this one does not know. */
  isStored: boolean;
}

const POLICIES: readonly Policy[] = ["failFast", "waitForAll", "collect", "first"];
const POLICY_EXPECTED = `${POLICIES.map((one) => `'${String(one)}'`).join(", ")}, or { tolerate: a number of failures, or a share such as '10%' }`;
const FORMS =
  "a task { task, payload?, into?, immutable?, options? }, { chain }, { group, policy? }, { chord: { header, body }, policy? } or { each, policy? }";
const CALLBACKS = ["link", "linkError"] as const;
const TASK_FIELDS = ["task", "payload", "payloadVersion", "into", "immutable", "options", ...CALLBACKS] as const;

/** @throws InvalidWorkflowError naming the place of what is refused */
export function readNode(value: Json): Node {
  return nodeOf(value, { path: "", depth: 1, count: { nodes: 0, bytes: 0 }, isStored: false });
}

/** A node that code has made, held against the same bounds. @throws InvalidWorkflowError naming the place of what is refused */
export function nodeOfCode(node: Node): Node {
  return nodeWithin(node, { path: "", depth: 1, count: { nodes: 0, bytes: 0 } });
}

/** A node that code has made, within others that were read before it. @throws as nodeOfCode */
export function nodeWithin(node: Node, walk: Omit<Walk, "isStored">): Node {
  // First, for whoever writes what is nested without an end has no stack left.
  checkDepth(node, walk.depth);
  const text = toJsonText(node);
  countBytes(walk.count, text);
  return nodeOf(parseJson(text), { ...walk, isStored: false });
}

/** Counts text of a definition. @throws InvalidWorkflowError */
function countBytes(count: Walk["count"], text: string): void {
  count.bytes += byteLength(text);
  if (count.bytes > MAX_BYTES) throw tooMany("bytes", count.bytes, MAX_BYTES);
}

/** Counts a member that was read beyond those before it. @throws InvalidWorkflowError */
export function countMember(index: number, path: string): void {
  if (index >= MAX_MEMBERS) throw tooMany(`members or more at '${path.slice(0, 200)}'`, index + 1, MAX_MEMBERS);
}

/** Level by level, so that no depth costs stack. @throws InvalidWorkflowError */
function checkDepth(node: Node, from: number): void {
  let level: Node[] = [node];
  for (let depth = from; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw tooMany("levels", depth, MAX_DEPTH);
    level = level.flatMap((one) => {
      if (isTaskNode(one)) return [];
      if (isEachNode(one)) return [one.each];
      return isChainNode(one) ? one.chain : one.group;
    });
  }
}

/** A node that was read before, as the table keeps it. @throws InvalidWorkflowError */
export function readStoredNode(value: Json): Node {
  return nodeOf(value, { path: "", depth: 1, count: { nodes: 0, bytes: 0 }, isStored: true });
}

function nodeOf(value: Json, walk: Walk): Node {
  const { path, depth, count } = walk;
  count.nodes += 1;
  if (count.nodes > MAX_NODES) throw tooMany("nodes", count.nodes, MAX_NODES);
  if (depth > MAX_DEPTH) throw tooMany(`levels at '${path.slice(0, 200)}'`, depth, MAX_DEPTH);
  const fields = fieldsOf(value, path);
  if ("task" in fields) return taskOf(fields, walk);
  if ("chain" in fields) return chainOf(fields, walk);
  if ("chord" in fields) return chordOf(fields, walk);
  if ("group" in fields) return groupOf(fields, walk);
  if ("each" in fields) return eachOf(fields, walk);
  return refuse(path, value, FORMS);
}

function taskOf(fields: Fields, walk: Walk): TaskNode {
  const { path } = walk;
  only(fields, TASK_FIELDS, walk);
  const { task, payload, payloadVersion, into, immutable, options } = fields;
  if (typeof task !== "string" || task === "") return refuse(placeIn(path, "task"), task, "the name of a task");
  if (payloadVersion !== undefined && !isPayloadVersion(payloadVersion)) {
    return refuse(placeIn(path, "payloadVersion"), payloadVersion, PAYLOAD_VERSION_EXPECTED);
  }
  if (into !== undefined && (typeof into !== "string" || into === "" || into.length > 256)) {
    return refuse(placeIn(path, "into"), into, "the name of a field, of up to 256 characters");
  }
  if (immutable !== undefined && typeof immutable !== "boolean") {
    return refuse(placeIn(path, "immutable"), immutable, "true or false");
  }
  if (immutable && into !== undefined) {
    return refuse(placeIn(path, "into"), into, "no 'into' beside 'immutable', which leaves out the result before");
  }
  return {
    task,
    ...(payload !== undefined && { payload }),
    ...(isPayloadVersion(payloadVersion) && { payloadVersion }),
    ...(typeof into === "string" && { into }),
    ...(immutable === true && { immutable: true as const }),
    ...(options !== undefined && { options: optionsOf(options, { ...walk, path: placeIn(path, "options") }) }),
    ...callbacksOf(fields, walk),
  };
}

function chainOf(fields: Fields, walk: Walk): ChainNode {
  only(fields, ["chain", ...CALLBACKS], walk);
  const steps = nodesOf(fields.chain, placeIn(walk.path, "chain"), walk);
  if (steps.length === 0) return refuse(placeIn(walk.path, "chain"), fields.chain, "one step or more");
  return { chain: steps, ...callbacksOf(fields, walk) };
}

function groupOf(fields: Fields, walk: Walk): GroupNode {
  only(fields, ["group", "policy", ...CALLBACKS], walk);
  const members = nodesOf(fields.group, placeIn(walk.path, "group"), walk);
  return { group: members, ...policyOf(fields, walk.path), ...callbacksOf(fields, walk) };
}

function eachOf(fields: Fields, walk: Walk): EachNode {
  only(fields, ["each", "policy", ...CALLBACKS], walk);
  const each = nodeOf(fields.each ?? null, below(walk, placeIn(walk.path, "each")));
  return { each, ...policyOf(fields, walk.path), ...callbacksOf(fields, walk) };
}

/** A chord is a group and the node after it. */
function chordOf(fields: Fields, walk: Walk): ChainNode {
  only(fields, ["chord", "policy", ...CALLBACKS], walk);
  const path = placeIn(walk.path, "chord");
  const chord = fieldsOf(fields.chord ?? null, path);
  only(chord, ["header", "body"], { ...walk, path });
  const header = nodesOf(chord.header, placeIn(path, "header"), below(walk, path));
  const body = nodeOf(chord.body ?? null, below(walk, placeIn(path, "body")));
  const chain = [{ group: header, ...policyOf(fields, walk.path) }, body];
  return { chain, ...callbacksOf(fields, walk), [CHORD]: true };
}

function nodesOf(value: Json | undefined, path: string, walk: Walk): Node[] {
  if (!Array.isArray(value)) return refuse(path, value, "a list of nodes");
  if (value.length > MAX_MEMBERS) throw tooMany(`members at '${path.slice(0, 200)}'`, value.length, MAX_MEMBERS);
  return value.map((one, index) => nodeOf(one, below(walk, `${path}[${index}]`)));
}

function callbacksOf(fields: Fields, walk: Walk): { link?: TaskNode[]; linkError?: TaskNode[] } {
  const found = CALLBACKS.flatMap((name) => {
    const value = fields[name];
    if (value === undefined) return [];
    const path = placeIn(walk.path, name);
    const list = Array.isArray(value) ? value : refuse(path, value, "a list of tasks");
    if (list.length > MAX_CALLBACKS) throw tooMany(`callbacks at '${path.slice(0, 200)}'`, list.length, MAX_CALLBACKS);
    return [[name, list.map((one, index) => taskOf(fieldsOf(one, path), below(walk, `${path}[${index}]`)))] as const];
  });
  return Object.fromEntries(found);
}

function policyOf(fields: Fields, path: string): { policy?: Policy } {
  const { policy } = fields;
  if (policy === undefined) return {};
  const known = POLICIES.find((one) => one === policy);
  if (known !== undefined) return { policy: known };
  const tolerate =
    typeof policy === "object" && policy !== null && !Array.isArray(policy) ? policy.tolerate : undefined;
  if (isTolerance(tolerate)) return { policy: { tolerate } };
  return refuse(placeIn(path, "policy"), policy, POLICY_EXPECTED);
}

function isTolerance(value: Json | undefined): value is number | string {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0;
  const [, share] = typeof value === "string" ? (/^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(value) ?? []) : [];
  return share !== undefined && Number(share) <= 100;
}

const OPTIONS: readonly (keyof NodeOptions)[] = [
  ...(["countdown", "eta", "expires", "queue", "tags", "headers"] as const),
  ...(["messageGroupId", "timeLimit", "softTimeLimit"] as const),
];

/** The forms alone: `canvas/check.ts` asks whether a task takes them. */
export function optionsOf(value: Json, walk: Pick<Walk, "path" | "isStored">): NodeOptions {
  const { path } = walk;
  const fields = fieldsOf(value, path);
  only(fields, OPTIONS, walk);
  const take = <T extends Json>(name: keyof NodeOptions, isFit: (value: Json) => value is T): { [K in string]?: T } => {
    const given = fields[name];
    if (given === undefined) return {};
    return isFit(given) ? { [name]: given } : refuse(placeIn(path, name), given, "what that option of a task accepts");
  };
  return {
    ...take("countdown", isNumber),
    ...take("eta", isText),
    ...take("expires", isNumberOrText),
    ...take("queue", isText),
    ...take("tags", isTexts),
    ...take("headers", isTextsByName),
    ...take("messageGroupId", isText),
    ...take("timeLimit", isNumber),
    ...take("softTimeLimit", isNumber),
  };
}

function isText(value: Json): value is string {
  return typeof value === "string";
}

function isTexts(value: Json): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTextsByName(value: Json): value is Record<string, string> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText);
}

function isNumberOrText(value: Json): value is number | string {
  return isNumber(value) || isText(value);
}

function isNumber(value: Json): value is number {
  return typeof value === "number";
}

/** @throws InvalidWorkflowError for what is no object */
export function fieldsOf(value: Json, path: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  return refuse(path, value, path === "" ? FORMS : "an object");
}

/** A mistyped field would be ignored in silence. One that is stored was checked by whoever wrote it. */
function only(fields: Fields, known: readonly string[], { path, isStored }: Pick<Walk, "path" | "isStored">): void {
  if (isStored) return;
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(placeIn(path, unknown), fields[unknown], `one of ${known.join(", ")}`);
}

function below({ depth, ...walk }: Walk, path: string): Walk {
  return { ...walk, path, depth: depth + 1 };
}

/** The place of a part, as a sentence names it: `chain[1].group[0].payload`. */
export function placeIn(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** @throws InvalidWorkflowError */
export function refuse(path: string, value: unknown, expected: string): never {
  throw new InvalidWorkflowError(path, value, expected);
}

function tooMany(what: string, found: number, most: number): InvalidWorkflowError {
  return new InvalidWorkflowError("", `${found} ${what}`, `at most ${most}`);
}
