import { adoptRetained } from "./adopt.ts";
import { describeBuildFailure } from "./build-failure.ts";
import { checkFunctionKeys, checkScheduleIds, scheduleId } from "./check-names.ts";
import { checkTemplate } from "./check-template.ts";
import { VISIBILITY_MARGIN_SECONDS } from "./check-visibility.ts";
import { corsVariables } from "./cors.ts";
import { functionEnvironments } from "./environments.ts";
import { leaveOutExamples } from "./example-functions.ts";
import { leaveOutImpliedOrder } from "./implied-order.ts";
import { type Inspection, inspectTasks } from "./inspect-tasks.ts";
import { packageFunction } from "./package-function.ts";
import type { Resource, Serverless } from "./serverless.ts";
import { checkTarget } from "./target.ts";
import { absentFolders, readTaskFolders } from "./task-modules.ts";
import { tellWorkers } from "./tell-workers.ts";
import { prepareWorkFolder } from "./work-folder.ts";

/**
 * Turns the service into what is deployed: one zip per function, and an EventBridge Scheduler schedule for each entry of
 * `beatSchedule`. Refuses what could not be registered, deployed or run, before anything is uploaded.
 */
class BuildPlugin {
  readonly configurationVariablesSources: Record<string, ReturnType<typeof corsVariables>>;
  readonly hooks: Record<string, () => Promise<void>>;

  constructor(serverless: Serverless) {
    prepareWorkFolder(serverless);
    this.configurationVariablesSources = { cors: corsVariables(serverless) };
    const inOneSentence = (step: (serverless: Serverless) => Promise<void> | void) => async (): Promise<void> => {
      try {
        await step(serverless);
      } catch (error) {
        // The framework shows a stack for any error but its own.
        throw new serverless.classes.Error(describeBuildFailure(error), "LOVAGE");
      }
    };
    this.hooks = {
      initialize: inOneSentence(() => {
        checkTarget(serverless, process.env);
        leaveOutExamples(serverless);
      }),
      "before:package:createDeploymentArtifacts": inOneSentence(packageFunctions),
      "before:deploy:function:packageFunction": inOneSentence(packageFunctions),
      "package:compileEvents": inOneSentence(addSchedules),
      "after:aws:package:finalize:mergeCustomProviderResources": inOneSentence(() => {
        const template = serverless.service.provider.compiledCloudFormationTemplate;
        leaveOutImpliedOrder(template);
        tellWorkers(template);
        return checkTemplate(
          template,
          serverless.getProvider("aws").getRegion(),
          // A laptop's poller holds no batch back, and a test wants to see soon what comes back.
          serverless.getProvider("aws").getStage() === "local" ? 0 : VISIBILITY_MARGIN_SECONDS,
        );
      }),
      "before:aws:deploy:deploy:createStack": inOneSentence(adoptRetained),
    };
  }
}

async function packageFunctions(serverless: Serverless): Promise<void> {
  const { service } = serverless;
  checkFunctionKeys(service.functions);
  const taskFolders = readTaskFolders(service.custom.tasks);
  // First, for it is quick: whatever is wrong with a task would be wrong in each bundle.
  const { declared } = await inspectTasks({ taskFolders, environments: await functionEnvironments(serverless) });
  const tasks = { folders: taskFolders, declared: async () => declared };
  for (const [key, config] of Object.entries(service.functions)) {
    const architecture = config.architecture ?? service.provider.architecture ?? "x86_64";
    const native = service.custom.native[key] ?? [];
    config.package = {
      artifact: await packageFunction({ name: key, handler: config.handler, tasks, native, architecture }),
    };
  }
}

async function addSchedules(serverless: Serverless): Promise<void> {
  const { service } = serverless;
  const taskFolders = readTaskFolders(service.custom.tasks);
  for (const folder of absentFolders(taskFolders)) {
    process.stderr.write(`Task folder '${folder}' is absent: no task comes from it.\n`);
  }
  const { schedules, notes } = await inspectTasks({
    taskFolders,
    environments: await functionEnvironments(serverless),
  });
  for (const note of notes) process.stderr.write(`${note}\n`);
  const { Resources } = service.provider.compiledCloudFormationTemplate;
  const declared = { ...Resources, ...service.resources?.Resources };
  Object.assign(Resources, scheduleResources(schedules, schedulePrefix(serverless), declared));
}

/** The beginning of each schedule's name. */
export function schedulePrefix(serverless: Serverless): string {
  return `${serverless.service.service}-${serverless.getProvider("aws").getStage()}`;
}

/**
 * The schedules of beat's entries, by logical id.
 * @throws Error for two entries, or an entry and a declared resource, of one id
 */
export function scheduleResources(
  schedules: Inspection["schedules"],
  prefix: string,
  declared: Readonly<Record<string, unknown>>,
): Record<string, Resource> {
  checkScheduleIds(
    schedules.map(({ name }) => name),
    declared,
  );
  return Object.fromEntries(
    schedules.map(({ name, schedule, timezone, input }) => [
      scheduleId(name),
      scheduleResource(`${prefix}-${name}`, schedule, timezone, input),
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
        RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 60 },
        DeadLetterConfig: { Arn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] } },
      },
    },
  };
}

export default BuildPlugin;
