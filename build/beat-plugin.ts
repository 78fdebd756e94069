import { inspectTasks } from "./inspect-tasks.ts";
import type { Serverless } from "./serverless.ts";

/**
 * Makes each entry of `beatSchedule` an EventBridge Scheduler schedule of the compiled template, and refuses to package
 * tasks that could not be registered.
 */
class BeatPlugin {
  readonly hooks: Record<string, () => Promise<void>>;

  constructor(serverless: Serverless) {
    this.hooks = { "package:compileEvents": () => addSchedules(serverless) };
  }
}

async function addSchedules(serverless: Serverless): Promise<void> {
  const { service } = serverless;
  const { schedules } = await inspectTasks();
  const prefix = `${service.service}-${serverless.getProvider("aws").getStage()}`;
  for (const { name, schedule, timezone, input } of schedules) {
    const logicalId = `Beat${name.replaceAll(/(^|-)([a-z0-9])/g, (_, _dash: string, letter: string) => letter.toUpperCase())}Schedule`;
    service.provider.compiledCloudFormationTemplate.Resources[logicalId] = {
      Type: "AWS::Scheduler::Schedule",
      Properties: {
        Name: `${prefix}-${name}`,
        ScheduleExpression: schedule,
        ScheduleExpressionTimezone: timezone ?? String(service.provider.environment.TIMEZONE ?? "UTC"),
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: {
          Arn: { "Fn::GetAtt": ["BeatLambdaFunction", "Arn"] },
          RoleArn: { "Fn::GetAtt": ["SchedulerRole", "Arn"] },
          Input: input,
          // A firing that fails for an hour is late enough to be looked at: then it goes to the dead-letter queue.
          RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 60 },
          DeadLetterConfig: { Arn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] } },
        },
      },
    };
  }
}

export { BeatPlugin as "module.exports" };
