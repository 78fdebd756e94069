import { beforeAll, describe, expect, it } from "vitest";
import { additionsOf, applyAddition, valueAt } from "../../../build/entry-additions.ts";
import { readOwnEntries } from "../../../build/own-entries.ts";
import type { JsonObject } from "../../../localstack/json.ts";

const arn = (id: string): object => ({ "Fn::GetAtt": [id, "Arn"] });
const statement = (Action: string, Resource: unknown): object => ({ Effect: "Allow", Action, Resource });
const role = (...Statement: object[]): object => ({
  Type: "AWS::IAM::Role",
  Properties: { Policies: [{ PolicyName: "own", PolicyDocument: { Version: "2012-10-17", Statement } }] },
});
const QUEUES = [arn("DefaultQueue"), arn("FifoQueue")];
const LOGS = statement("logs:PutLogEvents", "*");

/** As little of Lovage's declaration as an entry needs. */
const DECLARATION: JsonObject = {
  provider: { environment: { BROKER_URL: { Ref: "DefaultQueue" } } },
  functions: {
    submit: { handler: "handlers/submit.handler", role: "SubmitRole", events: [{ httpApi: "POST /tasks/{name}" }] },
    worker: {
      handler: "handlers/worker.handler",
      role: "WorkerRole",
      events: [{ sqs: { arn: arn("DefaultQueue"), batchSize: 10 } }, { sqs: { arn: arn("FifoQueue"), batchSize: 10 } }],
    },
  },
  resources: {
    Resources: {
      DefaultQueue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "default", RedrivePolicy: {} } },
      FifoQueue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "fifo.fifo", FifoQueue: true } },
      UploadsBucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "uploads", BucketEncryption: {} } },
      UploadsBucketPolicy: { Type: "AWS::S3::BucketPolicy", Properties: { Bucket: { Ref: "UploadsBucket" } } },
      ReadRole: role(LOGS, statement("dynamodb:GetItem", "table")),
      SubmitRole: role(LOGS, statement("sqs:SendMessage", QUEUES)),
      OperateRole: role(LOGS, statement("dynamodb:DeleteItem", "table")),
      WorkerRole: role(statement("sqs:ReceiveMessage", QUEUES)),
    },
  },
};

function expanded(block: unknown, service: JsonObject = {}): JsonObject {
  const whole = structuredClone(DECLARATION);
  for (const addition of additionsOf(DECLARATION, service, readOwnEntries(block))) applyAddition(whole, addition);
  return whole;
}
const at = (declaration: JsonObject, path: string): unknown => valueAt(declaration, path.split("."));
const rights = (declaration: JsonObject, id: string): unknown =>
  at(declaration, `resources.Resources.${id}.Properties.Policies.0.PolicyDocument.Statement`);

describe("an entry of a queue", () => {
  let declaration: JsonObject;
  beforeAll(() => {
    declaration = expanded({ queues: { "bulk-mail": { workers: 5 }, ledger: { fifo: true } } });
  });

  it("is a queue like the default one, or like the FIFO queue", () => {
    expect(at(declaration, "resources.Resources.BulkMailQueue")).toEqual({
      Type: "AWS::SQS::Queue",
      Properties: { QueueName: "${self:custom.prefix}-bulk-mail", RedrivePolicy: {} },
    });
    expect(at(declaration, "resources.Resources.LedgerQueue.Properties")).toEqual({
      QueueName: "${self:custom.prefix}-ledger.fifo",
      FifoQueue: true,
    });
  });

  it("is a variable, an event of each function that reads, and in each list of rights to queues", () => {
    expect(at(declaration, "provider.environment")).toEqual({
      BROKER_URL: { Ref: "DefaultQueue" },
      BROKER_URL_BULK_MAIL: { Ref: "BulkMailQueue" },
      BROKER_URL_LEDGER: { Ref: "LedgerQueue" },
    });
    expect(at(declaration, "functions.submit.events")).toHaveLength(1);
    expect(at(declaration, "functions.worker.events")).toEqual([
      { sqs: { arn: arn("DefaultQueue"), batchSize: 10 } },
      { sqs: { arn: arn("FifoQueue"), batchSize: 10 } },
      { sqs: { arn: arn("BulkMailQueue"), batchSize: 10, maximumConcurrency: 5 } },
      { sqs: { arn: arn("LedgerQueue"), batchSize: 10, maximumConcurrency: 50 } },
    ]);
    const all = [...QUEUES, arn("BulkMailQueue"), arn("LedgerQueue")];
    expect(rights(declaration, "SubmitRole")).toEqual([LOGS, statement("sqs:SendMessage", all)]);
    expect(rights(declaration, "WorkerRole")).toEqual([statement("sqs:ReceiveMessage", all)]);
  });
});

describe("an entry of a view", () => {
  const view = { handler: "handlers/home.handler", route: ["GET /home", "POST /home"] };

  it.each([
    ["read", ["logs:PutLogEvents", "dynamodb:GetItem"]],
    ["submit", ["logs:PutLogEvents", "dynamodb:GetItem", "sqs:SendMessage"]],
    ["operate", ["logs:PutLogEvents", "dynamodb:GetItem", "sqs:SendMessage", "dynamodb:DeleteItem"]],
  ])("for keys of role %s may what such a key may", (key, actions) => {
    const declaration = expanded({ views: { home: { ...view, key } } });

    expect(at(declaration, "functions.home")).toEqual({
      handler: "handlers/home.handler",
      role: "HomeRole",
      environment: { VIEW_KEY_ROLE: key },
      events: [{ httpApi: "GET /home" }, { httpApi: "POST /home" }],
    });
    expect(rights(declaration, "HomeRole")).toMatchObject(actions.map((Action) => ({ Action })));
  });

  it("sends to the queues of other entries", () => {
    const declaration = expanded({ queues: { ledger: { fifo: true } }, views: { home: view } });

    expect(JSON.stringify(rights(declaration, "HomeRole"))).toContain("LedgerQueue");
  });
});

describe("an entry of a bucket", () => {
  it("is a variable, and rights in a policy of their own", () => {
    const block = { buckets: { archive: { bucket: "acme-archive", keys: "invoices/*", allow: ["write", "delete"] } } };
    const declaration = expanded(block);

    const Bucket = { Bucket: "acme-archive" };
    const keys = [{ "Fn::Sub": ["arn:${AWS::Partition}:s3:::${Bucket}/invoices/*", Bucket] }];
    expect(at(declaration, "provider.environment.ARCHIVE_BUCKET")).toBe("acme-archive");
    expect(at(declaration, "resources.Resources.ArchiveBucket")).toBeUndefined();
    expect(at(declaration, "resources.Resources.ArchiveBucketRights.Properties")).toEqual({
      PolicyName: "${self:custom.prefix}-archive-bucket",
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Action: ["s3:PutObject", "s3:AbortMultipartUpload"], Resource: keys },
          { Effect: "Allow", Action: ["s3:DeleteObject"], Resource: keys },
        ],
      },
      Roles: [{ Ref: "WorkerRole" }],
    });
  });

  it("is a closed bucket where it names none", () => {
    const declaration = expanded({ buckets: { archive: {} } });

    expect(at(declaration, "provider.environment.ARCHIVE_BUCKET")).toEqual({ Ref: "ArchiveBucket" });
    expect(at(declaration, "resources.Resources.ArchiveBucket.Properties")).toMatchObject({
      BucketName: { "Fn::Sub": "${self:custom.prefix}-archive-${AWS::AccountId}" },
      BucketEncryption: {},
    });
    expect(at(declaration, "resources.Resources.ArchiveBucketPolicy.Properties.Bucket")).toEqual({
      Ref: "ArchiveBucket",
    });
    expect(JSON.stringify(at(declaration, "resources.Resources.ArchiveBucketRights"))).toContain("s3:ListBucket");
  });

  it("may be for other functions: of the service, of an entry, with roles of their own", () => {
    const views = { home: { handler: "handlers/home.handler", route: "GET /home" } };
    const block = { views, buckets: { archive: { functions: ["home", "report", "worker"] } } };
    const declaration = expanded(block, { functions: { report: { role: "ReportRole" } } });

    expect(at(declaration, "resources.Resources.ArchiveBucketRights.Properties.Roles")).toEqual([
      { Ref: "HomeRole" },
      { Ref: "ReportRole" },
      { Ref: "WorkerRole" },
    ]);
  });
});

const HOME = { handler: "handlers/home.handler", route: "GET /home" };

describe("an entry that cannot be used", () => {
  it.each<[unknown, string]>([
    [
      "${file(entries.yml)}",
      "'custom.lovage' in serverless.yml has '${file(entries.yml)}': expected an entry with queues, views, buckets.",
    ],
    [
      { queue: {} },
      "'custom.lovage' in serverless.yml has 'queue': expected queues, views, buckets. Remove it, or mend its name.",
    ],
    [{ queues: ["invoices"] }, "'custom.lovage.queues' in serverless.yml has [ 'invoices' ]: expected named entries."],
    [{ queues: { Invoices: {} } }, "has 'Invoices': expected a name of small letters and digits, with single hyphens"],
    [
      { queues: { default: { workers: 9 } } },
      "'custom.lovage.queues.default' in serverless.yml has 'default': expected a name that no queue of Lovage has. Set its workers under custom.weights.",
    ],
    [
      { queues: { invoices: { fifo: "yes" } } },
      "'custom.lovage.queues.invoices.fifo' in serverless.yml has 'yes': expected true or false.",
    ],
    [
      { queues: { invoices: { workers: 1 } } },
      "'custom.lovage.queues.invoices.workers' in serverless.yml has 1: expected a whole number from 2 to 1000.",
    ],
    [
      { queues: { invoices: { worker: 5 } } },
      "'custom.lovage.queues.invoices' in serverless.yml has 'worker': expected fifo, workers.",
    ],
    [{ queues: { "a-1": {}, a1: {} } }, "would be 'resources.Resources.A1Queue', which is there already"],
    [
      { views: { home: { ...HOME, handler: "handlers/home.ts" } } },
      "'handlers/home.ts': expected a file without its ending and the name that it exports",
    ],
    [
      { views: { home: { ...HOME, handler: "home" } } },
      "'custom.lovage.views.home.handler' in serverless.yml has 'home': expected a file without its ending and the name that it exports",
    ],
    [
      { views: { home: { ...HOME, route: "/home" } } },
      "'custom.lovage.views.home.route' in serverless.yml has '/home': expected a method and a path",
    ],
    [
      { views: { home: { handler: HOME.handler } } },
      "'custom.lovage.views.home.route' in serverless.yml has undefined: expected a method and a path",
    ],
    [
      { views: { home: { ...HOME, key: "admin" } } },
      "'custom.lovage.views.home.key' in serverless.yml has 'admin': expected the role that a key needs: read, submit, operate.",
    ],
    [{ views: { submit: HOME } }, "would be 'functions.submit', which is there already"],
    [{ views: { "my-home": HOME } }, "has 'my-home': expected a name of letters and digits, a small letter first"],
    [
      { buckets: { uploads: {} } },
      "'custom.lovage.buckets.uploads' in serverless.yml has 'uploads': expected a name that no bucket of Lovage has.",
    ],
    [
      { buckets: { archive: { allow: ["list"] } } },
      "'custom.lovage.buckets.archive.allow' in serverless.yml has 'list': expected read, write, delete.",
    ],
    [
      { buckets: { archive: { keys: [] } } },
      "'custom.lovage.buckets.archive.keys' in serverless.yml has []: expected keys",
    ],
    [
      { buckets: { archive: { functions: ["home"] } } },
      "'custom.lovage.buckets.archive' in serverless.yml gives rights to function 'home', which has no role of its own: expected a function with 'role: <logical id>'.",
    ],
  ])("is told in a sentence: %j", (block, sentence) => {
    expect(() => expanded(block)).toThrow(sentence);
  });
});
