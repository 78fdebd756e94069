import { isPresent } from "../localstack/template/intrinsics.ts";
import { ACCOUNT_ID, NAME_PROPERTIES, type Resolve } from "./resolve-template.ts";
import type { FunctionConfig, Template } from "./serverless.ts";

/** Characters that AWS lets a name have. */
const LONGEST_NAMES: Readonly<Record<string, number>> = {
  // https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
  "AWS::Scheduler::Schedule": 64,
  // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
  "AWS::Lambda::Function": 64,
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
  "AWS::SQS::Queue": 80,
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  "AWS::S3::Bucket": 63,
  // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
  "AWS::DynamoDB::Table": 255,
  // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
  "AWS::IAM::Role": 64,
};

/** The logical id of a schedule entry. It names the deployed resource, so it must stay as it is. */
export function scheduleId(entry: string): string {
  const words = entry.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `Beat${words.join("")}Schedule`;
}

/**
 * Makes sure that no schedule entry takes the place of another one, or of a resource that is declared.
 * @throws Error naming both, and what to rename
 */
export function checkScheduleIds(entries: readonly string[], declared: Readonly<Record<string, unknown>>): void {
  const owners = new Map<string, string>();
  for (const entry of entries) {
    const id = scheduleId(entry);
    const other = owners.get(id);
    if (other !== undefined) {
      throw new Error(
        `Schedule entries '${other}' and '${entry}' would both become the resource ${id}, so one of them would never fire: expected names that differ in more than hyphens and the letters after them. Rename one of them.`,
      );
    }
    if (Object.hasOwn(declared, id)) {
      throw new Error(
        `Schedule entry '${entry}' would replace the resource ${id}, which serverless.yml declares: expected a resource of its own. Rename the entry, or the resource.`,
      );
    }
    owners.set(id, entry);
  }
}

/**
 * Makes sure that each function has a zip and a folder of its own, also on a disk that knows no case, and a logical id.
 * @throws Error naming both functions
 */
export function checkFunctionKeys(functions: Readonly<Record<string, FunctionConfig>>): void {
  const owners = new Map<string, string>();
  for (const key of Object.keys(functions)) {
    // osls writes '-' as Dash and '_' as Underscore into logical ids.
    const place = key.replaceAll("-", "dash").replaceAll("_", "underscore").toLowerCase();
    const other = owners.get(place);
    if (other !== undefined) {
      throw new Error(
        `Functions '${other}' and '${key}' would share one zip and one logical id: expected names that differ in more than case, '-' and '_'. Rename one of them under 'functions' in serverless.yml.`,
      );
    }
    owners.set(place, key);
  }
}

/**
 * Makes sure that no two resources of one type have the same name, and that AWS takes each name.
 * @throws Error naming the resources, the name, and the limit with the length that was found
 */
export async function checkNames(template: Template, resolve: Resolve): Promise<void> {
  const owners = new Map<string, string>();
  for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
    const property = NAME_PROPERTIES[Type];
    if (property === undefined || Properties[property] === undefined || !isPresent(Properties[property])) continue;
    const name = String(await resolve(Properties[property]));
    const group = Type === "AWS::Scheduler::Schedule" ? String(await resolve(Properties.GroupName ?? "default")) : "";
    const other = owners.get(`${Type} ${group} ${name}`);
    const shown = name.replaceAll(ACCOUNT_ID, "<account>");
    if (other !== undefined) {
      throw new Error(
        `${Type} ${id} and ${other} have the same name '${shown}': expected a name of its own for each. Rename one of them${Type === "AWS::Scheduler::Schedule" ? " (the schedule entry 'x' is called <service>-<stage>-x)" : ""}.`,
      );
    }
    const longest = LONGEST_NAMES[Type];
    if (longest !== undefined && name.length > longest) {
      throw new Error(
        `${Type} ${id} has the name '${shown}' of ${name.length} characters: expected at most ${longest}. Shorten it, or the service's name, which it begins with.`,
      );
    }
    owners.set(`${Type} ${group} ${name}`, id);
  }
}
