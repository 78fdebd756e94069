import { references } from "./check-references.ts";
import type { Template } from "./serverless.ts";

/**
 * Takes out each `DependsOn` that a reference to the same resource implies: the framework writes both, which CloudFormation bears, and
 * cfn-lint, and moto with it, do not.
 */
export function leaveOutImpliedOrder({ Resources }: Template): void {
  for (const resource of Object.values(Resources)) {
    const implied = new Set([...references(resource.Properties ?? {}, [])].map(({ id }) => id));
    const order = [resource.DependsOn ?? []].flat();
    const kept = order.filter((id) => !implied.has(id));
    if (kept.length === order.length) continue;
    if (kept.length === 0) delete resource.DependsOn;
    else resource.DependsOn = kept;
  }
}
