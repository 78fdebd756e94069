import { isObject, type JsonObject } from "../json.ts";

/**
 * Puts the removals of a parsed update last, and those of higher list indexes before lower ones. dynalite makes one change
 * after the other, so that each removal would shift the elements that the next one means; on AWS every index is that of the
 * item before the update.
 */
export function orderRemovals(update: JsonObject): void {
  const sections: unknown[] = Array.isArray(update.sections) ? update.sections : [];
  const [removals, others] = [sections.filter(isRemoval), sections.filter((section) => !isRemoval(section))];
  update.sections = [...others, ...removals.toSorted((one, other) => byIndex(pathOf(one), pathOf(other)))];
}

function isRemoval(section: unknown): boolean {
  return isObject(section) && section.type === "remove";
}

function pathOf(section: unknown): readonly unknown[] {
  return isObject(section) && Array.isArray(section.path) ? section.path : [];
}

function byIndex(one: readonly unknown[], other: readonly unknown[]): number {
  const at = one.findIndex((step, index) => step !== other[index]);
  const [step, otherStep] = [one[at], other[at]];
  return typeof step === "number" && typeof otherStep === "number" ? otherStep - step : 0;
}
