/**
 * The shapes of the canvas: chains, groups, chords, and groups as long as a list. Each is a value that can stand within any other
 * (docs/canvas.md). https://docs.celeryq.dev/en/stable/userguide/canvas.html
 */

import { InvalidWorkflowError } from "../errors.ts";
import { type AnyCanvas, Canvas, type HandleOf, type InOf, type OutOf } from "../task/signature.ts";
import type { Node, Policy } from "../workflows/definition.ts";
import type { GroupResult } from "./group-result.ts";
import type { MemberOutcome } from "./results.ts";

/** Steps of which each takes the result of the one before; in the place of one that does not, a sentence that says so. */
type Fitting<Steps, Before> = Steps extends readonly [infer First, ...infer Rest]
  ? [[Before] extends [InOf<First>] ? First : Misfit<Before, InOf<First>>, ...Fitting<Rest, OutOf<First>>]
  : Steps extends readonly []
    ? []
    : Steps;

/** The reason why a step cannot follow another. */
interface Misfit<Given, Wanted> {
  readonly "This step does not take the result of the step before it": { given: Given; wanted: Wanted };
}

type FirstOf<Steps> = Steps extends readonly [infer First, ...unknown[]] ? First : never;
type LastOf<Steps> = Steps extends readonly [...unknown[], infer Last] ? Last : never;

/** A value that fits every member. */
type InOfAll<Members extends readonly unknown[]> = Members[number] extends never
  ? unknown
  : ((member: Members[number]) => void) extends (member: infer Member) => void
    ? IntersectionOf<Member extends unknown ? (input: InOf<Member>) => void : never>
    : never;
type IntersectionOf<Functions> = Functions extends (input: infer In) => void ? In : never;

type ResultsOf<Members extends readonly unknown[], P> = {
  -readonly [Index in keyof Members]: P extends "collect" | { tolerate: number | string }
    ? MemberOutcome<OutOf<Members[Index]>>
    : OutOf<Members[Index]>;
};

/** With `first` a group gives the result of one. */
type GroupOut<Members extends readonly unknown[], P> = P extends "first"
  ? OutOf<Members[number]>
  : ResultsOf<Members, P>;

type EachOut<Member, P> = P extends "first"
  ? OutOf<Member>
  : P extends "collect" | { tolerate: number | string }
    ? MemberOutcome<OutOf<Member>>[]
    : OutOf<Member>[];

/** @typeParam P the policy */
export interface GroupOptions<P extends Policy> {
  /** Decides what the group comes to when members fail. @defaultValue failFast */
  policy?: P;
}

/**
 * Tasks, or other shapes, one after another: each gets the result of the one before. Its result is that of the last.
 * @example chain(fetchPage.s({ url }), countWords.s().into("text"), save.s({ bucket })).delay()
 * @throws InvalidWorkflowError for no step at all
 */
export function chain<const Steps extends readonly AnyCanvas[]>(
  ...steps: Steps & Fitting<Steps, InOf<FirstOf<Steps>>>
): Canvas<InOf<FirstOf<Steps>>, OutOf<LastOf<Steps>>, HandleOf<LastOf<Steps>>> {
  const list: readonly AnyCanvas[] = steps;
  if (list.length === 0) throw new InvalidWorkflowError("chain", [], "one step or more");
  return new Canvas({ chain: list.map(({ node }) => node) }, tasksOf(list));
}

/**
 * Tasks, or other shapes, beside each other: each gets the result of the step before the group. Its result is the list of theirs, in
 * the order in which they stand here, also for none and for one.
 * @example group(urls.map((url) => fetchPage.s({ url }))).delay()
 */
export function group<const Members extends readonly AnyCanvas[], const P extends Policy = "failFast">(
  members: Members,
  options?: GroupOptions<P>,
): Canvas<InOfAll<Members>, GroupOut<Members, P>, GroupResult<GroupOut<Members, P>>>;
/** Members that a generator gives; all of them are asked for here, for a definition is whole before anything is sent. */
export function group<Member extends AnyCanvas, const P extends Policy = "failFast">(
  members: Iterable<Member>,
  options?: GroupOptions<P>,
): Canvas<InOf<Member>, GroupOut<Member[], P>, GroupResult<GroupOut<Member[], P>>>;
export function group(
  members: Iterable<AnyCanvas>,
  { policy }: GroupOptions<Policy> = {},
): Canvas<unknown, unknown, unknown> {
  const list = listOf(members);
  const node: Node = { group: list.map((member) => member.node), ...(policy !== undefined && { policy }) };
  return new Canvas(node, tasksOf(list));
}

/**
 * A group and a body, which gets the list of its results when all have ended: `chain(group(header), body)`.
 * @example chord(urls.map((url) => countWords.s({ url })), sum.s().into("counts")).delay()
 */
export function chord<
  const Members extends readonly AnyCanvas[],
  Body extends AnyCanvas,
  const P extends Policy = "failFast",
>(
  header: Members,
  body: Body & Fitting<[Body], GroupOut<Members, P>>[0],
  options: GroupOptions<P> = {},
): Canvas<InOfAll<Members>, OutOf<Body>, HandleOf<Body>> {
  const { node, tasks } = group(header, options);
  const last: AnyCanvas = body;
  return new Canvas({ chain: [node, last.node] }, tasksOf([{ node, tasks }, last]));
}

/**
 * A group as long as the list that the step before it gives: one member for each item, which is its input. Its result is the list of
 * their results.
 * @example chain(split.s({ file }), each(resize.s({ width: 320 }).into("image")), zip.s().into("images")).delay()
 */
export function each<Member extends AnyCanvas, const P extends Policy = "failFast">(
  member: Member,
  { policy }: GroupOptions<P> = {},
): Canvas<readonly InOf<Member>[], EachOut<Member, P>, GroupResult<EachOut<Member, P>>> {
  const node: Node = { each: member.node, ...(policy !== undefined && { policy }) };
  return new Canvas(node, tasksOf([member]));
}

/** @throws InvalidWorkflowError for what cannot be gone through at once, as an async generator */
function listOf(members: Iterable<AnyCanvas>): AnyCanvas[] {
  if (typeof members === "object" && members !== null && Symbol.iterator in members) return [...members];
  throw new InvalidWorkflowError(
    "group",
    members,
    "a list of signatures and shapes, or what gives them by itself; for members that are known only later, a task that returns them as a list, and 'each'",
  );
}

function tasksOf(parts: readonly AnyCanvas[]): AnyCanvas["tasks"] {
  return [...new Map(parts.flatMap(({ tasks }) => tasks).map((task) => [task.name, task])).values()];
}
