import { corsVariables } from "./cors.ts";
import { inspectTasks } from "./inspect-tasks.ts";
import { packageFunction } from "./package-function.ts";
import type { Resource, Serverless } from "./serverless.ts";

/**
 * Turns the service into what is deployed: one zip per function, and an EventBridge Scheduler schedule for each entry of
 * `beatSchedule`. Refuses to package tasks that could not be registered.
 */
class BuildPlugin {
  readonly configurationVariablesSources: Record<string, ReturnType<typeof corsVariables>>;
  readonly hooks: Record<string, () => Promise<void>>;

  constructor(serverless: Serverless) {
    this.configurationVariablesSources = { cors: corsVariables(serverless) };
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
  for (const [key, config] of Object.entries(service.functions)) {
    config.package = {
      artifact: await packageFunction(key, config.handler, service.custom.tasks, service.custom.native[key] ?? []),
    };
  }
}

async function addSchedules(serverless: Serverless): Promise<void> {
  const { service } = serverless;
  const { schedules } = await inspectTasks(service.custom.tasks);
  const prefix = `${service.service}-${serverless.getProvider("aws").getStage()}`;
  for (const { name, schedule, timezone, input } of schedules) {
    const zone = timezone ?? String(service.provider.environment.TIMEZONE ?? "UTC");
    const resource = scheduleResource(`${prefix}-${name}`, schedule, zone, input);
    service.provider.compiledCloudFormationTemplate.Resources[`Beat${toPascalCase(name)}Schedule`] = resource;
  }
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
