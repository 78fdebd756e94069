/**
 * The shapes of the canvas: chains, groups, chords, and groups as long as a list. Each is a value that can stand within any other
 * (docs/canvas.md). https://docs.celeryq.dev/en/stable/userguide/canvas.html
 */

import { InvalidWorkflowError } from "../errors.ts";
import type { DraftGroup, Members, UnreadGroup } from "../task/draft.ts";
import { type AnyCanvas, Canvas, canvasOf, type HandleOf, type InOf, type OutOf } from "../task/signature.ts";
import type { Policy } from "../workflows/definition.ts";
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

type AnyMembers = readonly AnyCanvas[] | Iterable<AnyCanvas> | AsyncIterable<AnyCanvas>;

/** A list as it is; of what gives members one by one, nobody knows how many there are. */
type ListOf<Given> = Given extends readonly AnyCanvas[]
  ? Given
  : Given extends Iterable<infer Member> | AsyncIterable<infer Member>
    ? Member[]
    : never;

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
  const list = steps.map((step, index) => canvasOf(step, `chain[${index}]`));
  if (list.length === 0) throw new InvalidWorkflowError("chain", [], "one step or more");
  return new Canvas({ chain: list.map(({ node }) => node) }, tasksOf(list));
}

/**
 * Tasks, or other shapes, beside each other: each gets the result of the step before the group. Its result is the list of theirs, in
 * the order in which they stand here, also for none and for one.
 * @param members a list, or what gives them one by one, as a generator does: it is read when the group is sent, and no more than a part of
 * them is in memory; nothing runs before the last is stored
 * @example group(urls.map((url) => fetchPage.s({ url }))).delay()
 */
export function group<const Given extends AnyMembers, const P extends Policy = "failFast">(
  members: Given,
  options?: GroupOptions<P>,
): Canvas<InOfAll<ListOf<Given>>, GroupOut<ListOf<Given>, P>, GroupResult<GroupOut<ListOf<Given>, P>>>;
export function group(members: Members, { policy }: GroupOptions<Policy> = {}): Canvas<unknown, unknown, unknown> {
  const { tasks, node } = groupOf(members, policy);
  return new Canvas(node, tasks);
}

/**
 * A group and a body, which gets the list of its results when all have ended: `chain(group(header), body)`.
 * @param header as the members of a group
 * @example chord(urls.map((url) => countWords.s({ url })), sum.s().into("counts")).delay()
 */
export function chord<const Given extends AnyMembers, Body extends AnyCanvas, const P extends Policy = "failFast">(
  header: Given,
  body: Body & Fitting<[Body], GroupOut<ListOf<Given>, P>>[0],
  options: GroupOptions<P> = {},
): Canvas<InOfAll<ListOf<Given>>, OutOf<Body>, HandleOf<Body>> {
  const { node, tasks } = group(header, options);
  const last = canvasOf(body, "chord.body");
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
  const { node, tasks } = canvasOf(member, "each");
  return new Canvas({ each: node, ...(policy !== undefined && { policy }) }, tasks);
}

/** The group of members that are a list, or that are read when it is sent. @throws InvalidWorkflowError for what gives no members */
export function groupOf(members: Members, policy: Policy | undefined): AnyCanvas & { node: DraftGroup | UnreadGroup } {
  const own = { ...(policy !== undefined && { policy }) };
  if (Array.isArray(members)) {
    const list = members.map((member, index) => canvasOf(member, `group[${index}]`));
    return { node: { group: list.map(({ node }) => node), ...own }, tasks: tasksOf(list) };
  }
  if (
    typeof members === "object" &&
    members !== null &&
    (Symbol.iterator in members || Symbol.asyncIterator in members)
  ) {
    return { node: { members, ...own }, tasks: [] };
  }
  throw new InvalidWorkflowError("group", members, "a list of signatures and shapes, or what gives them one by one");
}

function tasksOf(parts: readonly AnyCanvas[]): AnyCanvas["tasks"] {
  return [...new Map(parts.flatMap(({ tasks }) => tasks).map((task) => [task.name, task])).values()];
}
