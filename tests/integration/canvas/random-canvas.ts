/** Canvases at random, a plain interpreter of them, and a queue that delivers in no order and twice. */

import { randomUUID } from "node:crypto";
import fc from "fast-check";
import * as z from "zod";
import { type App, createWorker, type Json, task } from "../../../shared/index.ts";
import { encodeMessage } from "../../../shared/message/encoding.ts";
import { parseJson, toJsonText } from "../../../shared/message/json.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import type { Node, Policy, TaskNode } from "../../../shared/workflows/definition.ts";
import { tolerated } from "../../../shared/workflows/definition.ts";
import { readNode } from "../../../shared/workflows/read-node.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";

const payload = z.object({ k: z.number(), fails: z.boolean().default(false), input: z.json().optional() });

/** The work of `step`: a number made of its own and of all of its input, but for the words of errors. */
function digest(k: number, input: Json | undefined): number {
  let sum = k + 7;
  for (const sign of JSON.stringify(withoutErrors(input ?? null)))
    sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 1_000_003;
  return sum;
}

/** How much was mended: with each level a third more of the steps that fail. */
export const repairs = { level: 0 };

export const step = task({
  name: "step",
  payload,
  retry: { maxRetries: 1, backoff: { base: 0 }, on: [TypeError] },
  run: ({ k, fails, input }, { attempt }) => {
    if (k % 7 === 0 && attempt === 1) throw new TypeError("once more");
    if (fails && repairs.level <= k % 3) throw new Error(`step ${k} fails`);
    return digest(k, input);
  },
});
export const spread = task({
  name: "spread",
  payload,
  run: ({ k, input }) => Array.from({ length: k % 4 }, (_, index) => digest(index, input)),
});
export const registry = createRegistry([{ file: "tests.ts", exports: { step, spread } }]);

type Outcome = { ok: true; value: Json } | { ok: false };

/** Celery's meaning of a canvas, in a few lines: no messages, no records, no joins. */
export function interpret(node: Node, input?: Json): Outcome {
  if ("task" in node) return interpretTask(node, input);
  if ("chain" in node) {
    let last: Outcome = { ok: true, value: input ?? null };
    let given = input;
    for (const one of node.chain) {
      last = interpret(one, given);
      if (!last.ok) return last;
      given = last.value;
    }
    return last;
  }
  if ("group" in node)
    return interpretGroup(
      node.group.map((one) => interpret(one, input)),
      node.policy,
    );
  if (!Array.isArray(input)) return { ok: false };
  return interpretGroup(
    input.map((item) => interpret(node.each, item)),
    node.policy,
  );
}

function interpretTask(node: TaskNode, input: Json | undefined): Outcome {
  const { k, fails } = payload.parse(node.payload);
  const given = node.immutable ? undefined : input;
  if (node.task === "spread")
    return { ok: true, value: Array.from({ length: k % 4 }, (_, index) => digest(index, given)) };
  return fails ? { ok: false } : { ok: true, value: digest(k, given) };
}

function interpretGroup(outcomes: Outcome[], policy: Policy = "failFast"): Outcome {
  const failed = outcomes.filter(({ ok }) => !ok).length;
  const collects = policy === "collect" || typeof policy === "object";
  const bears =
    policy === "collect"
      ? outcomes.length
      : typeof policy === "object"
        ? tolerated(policy.tolerate, outcomes.length)
        : 0;
  if (failed > bears) return { ok: false };
  return { ok: true, value: outcomes.map((one) => (collects ? { ...one } : one.ok ? one.value : null)) };
}

/** A list of outcomes has errors with ids and sentences, which no interpreter knows. */
export function withoutErrors(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutErrors);
  if (typeof value !== "object" || value === null) return value;
  return value.ok === false
    ? { ok: false }
    : Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutErrors(one)]));
}

const policy = fc.constantFrom<Policy | undefined>(
  undefined,
  "failFast",
  "waitForAll",
  "collect",
  { tolerate: 1 },
  { tolerate: "50%" },
);
const fails = fc.integer({ min: 0, max: 11 }).map((one) => one === 0);
const k = fc.integer({ min: 0, max: 1000 });

/** @param isFirst it gets no result */
export function nodes(depth: number, isFirst: boolean): fc.Arbitrary<Node> {
  const one: fc.Arbitrary<Node> = fc.record({ k, fails, takes: fc.boolean() }).map(({ takes, ...known }) => ({
    task: "step",
    payload: known,
    ...(isFirst || !takes ? (isFirst ? {} : { immutable: true as const }) : { into: "input" }),
  }));
  if (depth === 0) return one;
  const inner = (first: boolean): fc.Arbitrary<Node> => nodes(depth - 1, first);
  const chain = fc
    .tuple(inner(isFirst), fc.array(inner(false), { maxLength: 3 }))
    .map(([first, rest]) => ({ chain: [first, ...rest] }));
  const group = fc
    .record({ group: fc.array(inner(isFirst), { maxLength: 4 }), policy })
    .map(({ policy: own, ...members }) => ({ ...members, ...(own !== undefined && { policy: own }) }));
  const spreads = fc.record({ k, takes: fc.boolean() }).map(
    ({ k: size, takes }): Node => ({
      task: "spread",
      payload: { k: size, fails: false },
      ...(isFirst ? {} : takes ? { into: "input" } : { immutable: true as const }),
    }),
  );
  const each = fc
    .tuple(spreads, inner(false), policy)
    .map(
      ([list, member, own]): Node => ({ chain: [list, { each: member, ...(own !== undefined && { policy: own }) }] }),
    );
  return fc.oneof(
    { weight: 2, arbitrary: one },
    { weight: 3, arbitrary: chain },
    { weight: 3, arbitrary: group },
    { weight: 1, arbitrary: each },
  );
}

export function sizeOf(node: Node): number {
  const parts =
    "chain" in node
      ? node.chain
      : "group" in node
        ? node.group
        : "each" in node
          ? [node.each, node.each, node.each]
          : [];
  return 1 + parts.reduce((sum, part) => sum + sizeOf(part), 0);
}

/** Messages in no order, some of them twice, in batches. */
export function createChaos(app: App, random: () => number) {
  let waiting: { body: string; receiveCount: number }[] = [];
  const delivered: string[] = [];
  app.broker = {
    ...app.broker,
    isFifo: () => false,
    send: async (message) =>
      void waiting.push({ body: encodeMessage({ ...message, eta: message.sentAt }), receiveCount: 0 }),
    hide: async () => {},
  };
  const worker = createWorker([{ file: "tests.ts", exports: { step, spread } }], app);
  return {
    /** Has some messages that were delivered come once more. */
    repeat(share: number): void {
      const copies = delivered.filter(() => random() < share).map((body) => ({ body, receiveCount: 0 }));
      waiting = [...waiting, ...copies];
    },
    /** Delivers until nothing waits, or as many messages. */
    async run(most = Number.POSITIVE_INFINITY): Promise<void> {
      let deliveries = 0;
      while (waiting.length > 0 && deliveries < most) {
        const batch = Array.from({ length: Math.min(waiting.length, 1 + Math.floor(random() * 4)) }, () => {
          const [one] = waiting.splice(Math.floor(random() * waiting.length), 1);
          return { ...(one ?? { body: "", receiveCount: 0 }), messageId: randomUUID() };
        });
        deliveries += batch.length;
        if (deliveries > 5000) throw new Error("It does not come to an end.");
        for (const { body } of batch) if (random() < 0.25) waiting.push({ body, receiveCount: 0 });
        delivered.push(...batch.map(({ body }) => body));
        const records = batch.map((one) =>
          sqsRecord({ messageId: one.messageId, body: one.body, receiveCount: one.receiveCount + 1 }),
        );
        const { batchItemFailures } = await worker({ Records: records }, { getRemainingTimeInMillis: () => 30_000 });
        for (const { itemIdentifier } of batchItemFailures) {
          const kept = batch.find(({ messageId }) => messageId === itemIdentifier);
          if (kept) waiting.push({ body: kept.body, receiveCount: kept.receiveCount + 1 });
        }
      }
    },
  };
}

/** The same without failures that are values, which a replay has no part in: whether it ends well is whether all of it does. */
export function strict(root: Node): Node {
  const text = toJsonText(root).replaceAll(/"policy":("collect"|\{[^}]*\})/g, '"policy":"waitForAll"');
  return readNode(parseJson(text));
}

/** The same of steps that are all well. */
export function mended(root: Node): Node {
  return readNode(parseJson(toJsonText(root).replaceAll('"fails":true', '"fails":false')));
}
