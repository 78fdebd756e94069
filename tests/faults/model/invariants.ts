import { isDeepStrictEqual } from "node:util";
import type { Item } from "../../../shared/aws/change.ts";
import type { Step } from "./step.ts";
import type { Answer, Held } from "./task-model.ts";

/** A claim that the store has given away. */
export interface Grant {
  fence: number;
  over: boolean;
}

interface Before {
  item: Item | undefined;
  ledger: Item | undefined;
  grants: Grant[];
}

interface Change {
  step: Step;
  answer: Answer;
  /** The claim with which the step was taken. */
  held: Held | undefined;
  before: Before;
  after: { item: Item | undefined; ledger: Item | undefined };
}

const FINAL = ["SUCCESS", "FAILURE", "REVOKED"];
const isFinal = (item: Item): boolean => FINAL.includes(String(item.state));
const isClaim = (answer: Answer): boolean => typeof answer === "object";

/**
 * Rules that hold whatever the model says, told of the items alone: a model that is wrong in the same way as the store would not
 * hide it. Answers with the first that is broken.
 */
export function invariantsOf(change: Change): string | undefined {
  const { before, after, step } = change;
  return (
    holders(change) ??
    (after.item && step.do !== "sweep" ? records(change, before.item ?? {}, after.item) : undefined) ??
    ledgers(before.ledger, after.ledger)
  );
}

function records({ step, answer, held, before }: Change, old: Item, item: Item): string | undefined {
  // A sender's record that comes late says once more until when the task was to wait.
  const changed = !isDeepStrictEqual({ ...old, eta: undefined }, { ...item, eta: undefined });
  if (item.ttl === undefined) return "the record is kept for ever";
  if (isFinal(old) && changed) return `a final record has changed, from ${old.state}`;
  if (Number(item.fence ?? 0) < Number(old.fence ?? 0)) return "the fence went down";
  if (isClaim(answer) && item.state === "STARTED" && item.fence === old.fence) return "a fence was given away twice";
  if (Number(item.attempt) < Number(old.attempt ?? 0)) return "the attempt went down";
  if ((old.state === "REVOKED" || old.revokeRequestedAt !== undefined) && isClaim(answer)) {
    return "a revoked task was claimed";
  }
  const isStale = held !== undefined && held.fence !== Number(old.fence ?? 0);
  if (changed && isStale) return "a stale claim has written";
  if (changed && answer === false && step.answerLost === undefined) return "a step that was refused has written";
  return before.item === undefined && step.do === "stateOf" ? "a look has made a record" : undefined;
}

/** Tracked: one holder at a time, whose run nobody else ends. */
function holders({ step, answer, held, before, after }: Change): string | undefined {
  const { grants } = before;
  // Nothing runs for as long as a record lives.
  if (step.do === "sweep") for (const grant of grants) grant.over = true;
  const knows = "evidence" in step && (step.evidence === "again" || step.evidence === "seen");
  const running = knows ? undefined : grants.find((grant) => !grant.over);
  const isTracked = after.item?.state === "STARTED" && typeof answer === "object";
  if (isTracked && running) return "two workers hold a live claim";
  const ended = after.item?.state !== "STARTED" || Number(after.item.fence) !== running?.fence;
  const byAnother = step.do !== "requestRevoke" && held?.fence !== running?.fence;
  if (running && ended && byAnother) return "a live claim was ended by someone else";
  for (const grant of grants) {
    grant.over ||= after.item?.state !== "STARTED" || Number(after.item.fence) !== grant.fence;
  }
  if (isTracked && step.do === "claim") {
    const { fence } = answer.claimed;
    grants.push({ fence, over: false });
  }
  return undefined;
}

function ledgers(old: Item | undefined, entry: Item | undefined): string | undefined {
  return old?.result !== undefined && old.result !== entry?.result ? "an entry was closed twice" : undefined;
}
