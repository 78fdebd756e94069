import { type Inspection, inspectTasks } from "./inspect-tasks.ts";
import { packageFunction } from "./package-function.ts";
import type { Resource, Serverless } from "./serverless.ts";
import { absentFolders, readTaskFolders } from "./task-modules.ts";

/**
 * Turns the service into what is deployed: one zip per function, and an EventBridge Scheduler schedule for each entry of
 * `beatSchedule`. Refuses to package tasks that could not be registered.
 */
class BuildPlugin {
  readonly hooks: Record<string, () => Promise<void>>;

  constructor(serverless: Serverless) {
    this.hooks = {
      "before:package:createDeploymentArtifacts": () => inOneSentence(serverless, packageFunctions),
      "before:deploy:function:packageFunction": () => inOneSentence(serverless, packageFunctions),
      "package:compileEvents": () => inOneSentence(serverless, addSchedules),
    };
  }
}

/** The framework shows a stack for any error but its own. */
async function inOneSentence(serverless: Serverless, step: (serverless: Serverless) => Promise<void>): Promise<void> {
  try {
    await step(serverless);
  } catch (error) {
    throw new serverless.classes.Error(error instanceof Error ? error.message : String(error), "LOVAGE");
  }
}

async function packageFunctions({ service }: Serverless): Promise<void> {
  const taskFolders = readTaskFolders(service.custom.tasks);
  for (const [key, config] of Object.entries(service.functions)) {
    config.package = {
      artifact: await packageFunction(key, config.handler, taskFolders, service.custom.native[key] ?? []),
    };
  }
}

async function addSchedules(serverless: Serverless): Promise<void> {
  const { service } = serverless;
  const taskFolders = readTaskFolders(service.custom.tasks);
  for (const folder of absentFolders(taskFolders)) {
    process.stderr.write(`Task folder '${folder}' is absent: no task comes from it.\n`);
  }
  const { schedules } = await inspectTasks(taskFolders);
  Object.assign(
    service.provider.compiledCloudFormationTemplate.Resources,
    scheduleResources(schedules, scheduleSettings(serverless)),
  );
}

/** What the schedules of a service have from serverless.yml. */
export interface ScheduleSettings {
  prefix: string;
  timezone: string;
}

export function scheduleSettings(serverless: Serverless): ScheduleSettings {
  const { service } = serverless;
  return {
    prefix: `${service.service}-${serverless.getProvider("aws").getStage()}`,
    timezone: String(service.provider.environment.TIMEZONE ?? "UTC"),
  };
}

/** The schedules of beat's entries, by logical id. */
export function scheduleResources(
  schedules: Inspection["schedules"],
  { prefix, timezone: zone }: ScheduleSettings,
): Record<string, Resource> {
  return Object.fromEntries(
    schedules.map(({ name, schedule, timezone, input }) => [
      `Beat${toPascalCase(name)}Schedule`,
      scheduleResource(`${prefix}-${name}`, schedule, timezone ?? zone, input),
    ]),
  );
}

function scheduleResource(name: string, expression: string, timezone: string, input: string): Resource {
  return {
    Type: "AWS::Scheduler::Schedule",
    Properties: {
      Name: name,
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: timezone,
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: { "Fn::GetAtt": ["BeatLambdaFunction", "Arn"] },
        RoleArn: { "Fn::GetAtt": ["SchedulerRole", "Arn"] },
        Input: input,
        // For the call itself, which Lambda may refuse; what the function then does is Lambda's to retry (serverless.yml).
        RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 60 },
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] } },
      },
    },
  };
}

function toPascalCase(name: string): string {
  return name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

export { BuildPlugin as "module.exports" };
