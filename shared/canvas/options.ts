import { ConflictingOptionsError } from "../errors.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { TaskNode } from "../workflows/definition.ts";

/** The options of a node as those of a call. @throws ConflictingOptionsError */
export function callOptions({ options = {} }: TaskNode): ApplyOptions {
  const { countdown, eta, ...rest } = options;
  if (countdown !== undefined && eta !== undefined) {
    throw new ConflictingOptionsError("countdown", "eta", "each says when the task may start");
  }
  if (countdown !== undefined) return { ...rest, countdown };
  return eta === undefined ? rest : { ...rest, eta };
}
