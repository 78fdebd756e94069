import { beforeEach, describe, expect, it } from "vitest";
import { checkFunctionKeys, checkScheduleIds, scheduleId } from "../../../build/check-names.ts";
import { checkTemplate } from "../../../build/check-template.ts";
import type { Template } from "../../../build/serverless.ts";
import { isObject } from "../../../localstack/json.ts";
import { listField, objectField } from "../../../localstack/template/template.ts";
import { readTemplate } from "../../helpers/compile-template.ts";

let template: Template;
beforeEach(async () => {
  template = await readTemplate();
});

const check = (): Promise<void> => checkTemplate(template, "us-east-1");
function properties(id: string): Record<string, unknown> {
  const found = template.Resources[id]?.Properties;
  if (found === undefined) throw new Error(`The template has no ${id}.`);
  return found;
}
function variables(id: string): Record<string, unknown> {
  const found = objectField(properties(id), "Environment")?.Variables;
  if (!isObject(found)) throw new Error(`${id} has no environment.`);
  return found;
}
const schedule = (name: string): Template["Resources"][string] => ({
  Type: "AWS::Scheduler::Schedule",
  Properties: { Name: name, ScheduleExpression: "rate(1 day)" },
});

describe("the template that is deployed", () => {
  it("passes", async () => {
    await expect(check()).resolves.toBeUndefined();
  });

  it.each<[string, () => void, string]>([
    [
      "RESULT_EXPIRES that is no number",
      () => Object.assign(variables("SubmitLambdaFunction"), { RESULT_EXPIRES: "1 day" }),
      "Configuration 'RESULT_EXPIRES' has the value '1 day': expected a whole number, 3600 to 34560000.",
    ],
    [
      "RESULT_EXPIRES as a number that is too small",
      () => Object.assign(variables("ReadLambdaFunction"), { RESULT_EXPIRES: 60 }),
      "'RESULT_EXPIRES' has the value '60'",
    ],
    [
      "a display name in MAIL_FROM",
      () => Object.assign(variables("WorkerLambdaFunction"), { MAIL_FROM: "Team <team@example.com>" }),
      "a bare address such as 'team@example.com'",
    ],
    [
      "a variable that refers to nothing",
      () => Object.assign(variables("WorkerLambdaFunction"), { BROKER_URL_FAST: { Ref: "FastQueue" } }),
      "'FastQueue' is referred to at Resources.WorkerLambdaFunction.Properties.Environment.Variables.BROKER_URL_FAST, and is no resource",
    ],
    [
      "an attribute of nothing",
      () => Object.assign(properties("DefaultQueue"), { KmsMasterKeyId: { "Fn::GetAtt": ["Key", "Arn"] } }),
      "'Key' is referred to at Resources.DefaultQueue.Properties.KmsMasterKeyId",
    ],
    [
      "a text with the name of nothing",
      () =>
        Object.assign(properties("DefaultQueue"), { QueueName: { "Fn::Sub": ["${A}-${Nothing.Arn}", { A: "a" }] } }),
      "'Nothing' is referred to at Resources.DefaultQueue.Properties.QueueName",
    ],
    [
      "another time zone",
      () => Object.assign(variables("BeatLambdaFunction"), { TIMEZONE: "Europe/Berlinn" }),
      "'Europe/Berlinn': expected an IANA time zone",
    ],
    [
      "a queue variable in small letters",
      () => Object.assign(variables("WorkerLambdaFunction"), { BROKER_URL_bulk: { Ref: "HighQueue" } }),
      "Configuration 'BROKER_URL_bulk' has the value '(a reference)': expected BROKER_URL for the default queue",
    ],
    [
      "a second name of the default queue",
      () => Object.assign(variables("WorkerLambdaFunction"), { BROKER_URL_DEFAULT: { Ref: "HighQueue" } }),
      "Configuration 'BROKER_URL_DEFAULT'",
    ],
    [
      "two variables for one queue",
      () => Object.assign(variables("WorkerLambdaFunction"), { BROKER_URL_URGENT: { Ref: "HighQueue" } }),
      "Queue HighQueue has the variables BROKER_URL_HIGH and BROKER_URL_URGENT: expected one name for each queue.",
    ],
    [
      "a visibility without a margin for the worker",
      () => Object.assign(properties("WorkerLambdaFunction"), { Timeout: 61 }),
      "hides a message for 90 s, and WorkerLambdaFunction may run for 61 s: expected a VisibilityTimeout of 91 s or more",
    ],
    [
      "a visibility shorter than any other reader's time",
      () => Object.assign(properties("UploadsLambdaFunction"), { Timeout: 61 }),
      "Queue UploadsQueue hides a message for 60 s, and UploadsLambdaFunction may run for 61 s: expected a VisibilityTimeout of 61 s or more",
    ],
    [
      "an environment above 4 KB",
      () => Object.assign(variables("ReadLambdaFunction"), { LARGE: "x".repeat(4100) }),
      "Lambda accepts at most 4096. Give large values",
    ],
    [
      "450 schedules",
      () => {
        for (let n = 0; n < 450; n++) template.Resources[`Beat${n}Schedule`] = schedule(`lovage-local-entry-${n}`);
      },
      "resources, 453 of them schedules: CloudFormation accepts at most 500.",
    ],
    [
      "more than 200 outputs",
      () => {
        template.Outputs = Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`Output${n}`, { Value: "x" }]));
      },
      "The template has 201 outputs: CloudFormation accepts at most 200.",
    ],
    [
      "a template above 1 MB",
      () => Object.assign(properties("UploadsBucket"), { Tags: "x".repeat(1_048_576) }),
      "CloudFormation accepts at most 1048576.",
    ],
    [
      "an entry that takes the name of the timers' schedule",
      () => Object.assign(template.Resources, { BeatTimersSchedule: schedule("lovage-local-timers") }),
      "have the same name 'lovage-local-timers': expected a name of its own for each.",
    ],
    [
      "a default queue that nobody reads",
      () => {
        for (const [id, { Type }] of Object.entries(template.Resources)) {
          if (Type === "AWS::Lambda::EventSourceMapping") delete template.Resources[id];
        }
      },
      "Queue DefaultQueue is read by no function, so no task would ever run: expected an sqs event",
    ],
    [
      "two queues of one name",
      () => Object.assign(properties("HighQueue"), { QueueName: "lovage-local-low" }),
      "AWS::SQS::Queue LowQueue and HighQueue have the same name 'lovage-local-low'",
    ],
    [
      "a schedule's name beyond 64 characters",
      () => Object.assign(template.Resources, { BeatLongSchedule: schedule("x".repeat(65)) }),
      "of 65 characters: expected at most 64.",
    ],
  ])("is refused with %s", async (_, change, sentence) => {
    change();

    await expect(check()).rejects.toThrow(sentence);
  });
});

describe("a new queue", () => {
  beforeEach(() => {
    template.Resources.BulkMailQueue = {
      Type: "AWS::SQS::Queue",
      Properties: { ...properties("DefaultQueue"), QueueName: "lovage-local-bulk-mail" },
    };
  });
  const arn = { "Fn::GetAtt": ["BulkMailQueue", "Arn"] };
  const addVariable = (): void => {
    for (const [id, { Type }] of Object.entries(template.Resources)) {
      if (Type === "AWS::Lambda::Function") variables(id).BROKER_URL_BULK_MAIL = { Ref: "BulkMailQueue" };
    }
  };
  const addMapping = (): void => {
    const mapping = properties("WorkerEventSourceMappingSQSDefaultQueue");
    const Properties = { ...mapping, EventSourceArn: arn };
    template.Resources.BulkMapping = { Type: "AWS::Lambda::EventSourceMapping", Properties };
  };
  const addRights = (except?: string): void => {
    for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
      if (Type !== "AWS::IAM::Role" || id === except) continue;
      const policies = listField(Properties, "Policies").filter(isObject);
      const statements = policies.flatMap((one) => listField(objectField(one, "PolicyDocument") ?? {}, "Statement"));
      for (const statement of statements.filter(isObject)) {
        const text = JSON.stringify(statement.Resource);
        if (Array.isArray(statement.Resource) && text.includes("LowQueue")) statement.Resource.push(arn);
      }
    }
  };

  it("passes when it is declared everywhere", async () => {
    addVariable();
    addMapping();
    addRights();

    await expect(check()).resolves.toBeUndefined();
  });

  it("is refused with all that is missing, each with its place", async () => {
    const missing = await check().then(
      () => "",
      (error: Error) => error.message,
    );

    expect(missing).toContain("BROKER_URL_BULK_MAIL: !Ref BulkMailQueue under provider.environment");
    expect(missing).toContain("an sqs event with arn: !GetAtt BulkMailQueue.Arn under functions.worker.events");
    expect(missing).toContain("sqs:GetQueueAttributes on !GetAtt BulkMailQueue.Arn in ReadRole");
    expect(missing).toContain(
      "in SubmitRole, OperateRole, DeadLetterRole, UploadsRole, BeatRole, TickRole, TimersRole",
    );
    expect(missing).toMatch(/sqs:ReceiveMessage, sqs:DeleteMessage, .* in WorkerRole/);
  });

  it.each<[string, () => void, string]>([
    ["its variable", () => [addMapping(), addRights()], "BROKER_URL_BULK_MAIL: !Ref BulkMailQueue"],
    ["the worker's event", () => [addVariable(), addRights()], "functions.worker.events. Add"],
    ["one role's right", () => [addVariable(), addMapping(), addRights("ReadRole")], "lacks sqs:GetQueueAttributes on"],
    [
      "its dead-letter queue",
      () => [addVariable(), addMapping(), addRights(), delete properties("BulkMailQueue").RedrivePolicy],
      "a RedrivePolicy to DeadLetterQueue in resources.Resources.BulkMailQueue.Properties",
    ],
  ])("is refused without %s", async (_, declare, sentence) => {
    declare();

    await expect(check()).rejects.toThrow(sentence);
  });
});

describe("schedule entries", () => {
  it.each([
    ["report-1-2", "report-12"],
    ["report-1", "report1"],
    ["a-b-c", "a-b-c-"],
  ])("named %s and %s, which would be one resource, are refused by both names", (first, second) => {
    expect(scheduleId(first)).toBe(scheduleId(second));
    expect(() => checkScheduleIds([first, second], {})).toThrow(
      `Schedule entries '${first}' and '${second}' would both become the resource ${scheduleId(first)}`,
    );
  });

  it("take no place of a declared resource", () => {
    expect(() => checkScheduleIds(["report"], { BeatReportSchedule: {} })).toThrow(
      "Schedule entry 'report' would replace the resource BeatReportSchedule",
    );
  });

  it("keep the logical id that they have been deployed with", () => {
    expect(scheduleId("send-daily-email")).toBe("BeatSendDailyEmailSchedule");
  });
});

describe("functions", () => {
  const functions = (...keys: string[]) =>
    Object.fromEntries(keys.map((key) => [key, { name: key, handler: `handlers/${key}.handler` }]));

  it.each([
    ["report", "Report"],
    ["sendMail", "sendmail"],
    ["a-b", "aDashb"],
  ])("%s and %s would share a zip, and are refused", (first, second) => {
    expect(() => checkFunctionKeys(functions(first, second))).toThrow(`Functions '${first}' and '${second}'`);
  });
});
