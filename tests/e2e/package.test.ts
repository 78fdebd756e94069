import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT, WORK_FOLDER } from "../../build/paths.ts";
import { isObject } from "../../localstack/json.ts";
import { listField, objectField, type Template, textField } from "../../localstack/template/template.ts";

const run = promisify(execFile);
const FOLDER = join(ROOT, ".serverless");
let template: Template;

beforeAll(async () => {
  await run(join(ROOT, "node_modules", ".bin", "serverless"), ["package", "--stage", "dev"], {
    cwd: ROOT,
    env: { ...process.env, LOVAGE_TASKS: "tests/fixtures/tasks" },
  });
  template = JSON.parse(await readFile(join(FOLDER, "cloudformation-template-update-stack.json"), "utf8"));
}, 180_000);

/** Parts that differ from one packaging to the next: times and hashes of code. */
function normalise(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value).replaceAll(/"serverless\/lovage\/dev\/[^"]+\/([A-Za-z]+\.zip)"/g, '"<code>/$1"'),
  );
}

describe("the packaged template", () => {
  it("has exactly these resources", () => {
    const resources = Object.entries(template.Resources).map(([id, { Type }]) => `${Type} ${id}`);

    expect(resources.sort().join("\n")).toMatchSnapshot();
  });

  it("gives each function a role of its own with exactly these rights", () => {
    const roles = Object.entries(template.Resources).filter(([, { Type }]) => Type === "AWS::IAM::Role");
    const functions = Object.entries(template.Resources).filter(([, { Type }]) => Type === "AWS::Lambda::Function");
    const used = functions.map(([, { Properties }]) => JSON.stringify(Properties?.Role));

    expect(new Set(used).size).toBe(functions.length);
    expect(normalise(Object.fromEntries(roles))).toMatchSnapshot();
  });

  it("allows no whole service, and '*' only to SES under a condition", () => {
    for (const [id, { Type, Properties = {} }] of Object.entries(template.Resources)) {
      if (Type !== "AWS::IAM::Role") continue;
      const statements = listField(Properties, "Policies")
        .filter(isObject)
        .flatMap((policy) => listField(objectField(policy, "PolicyDocument") ?? {}, "Statement").filter(isObject));
      for (const statement of statements) {
        const actions = [statement.Action].flat().map(String);
        expect(
          actions.filter((action) => action.includes("*")),
          id,
        ).toEqual([]);
        if (statement.Resource === "*")
          expect([actions, statement.Condition !== undefined]).toEqual([["ses:SendEmail", "ses:SendRawEmail"], true]);
      }
    }
  });

  it("declares queues, table, bucket, mappings and schedules exactly so", () => {
    const types = [
      "AWS::SQS::Queue",
      "AWS::SQS::QueuePolicy",
      "AWS::DynamoDB::Table",
      "AWS::S3::Bucket",
      "AWS::Lambda::EventSourceMapping",
      "AWS::Scheduler::Schedule",
    ];
    const chosen = Object.entries(template.Resources).filter(
      ([id, { Type }]) => types.includes(Type) && !id.startsWith("Serverless"),
    );

    expect(normalise(Object.fromEntries(chosen))).toMatchSnapshot();
  });

  it("hides a message longer than its function may run", () => {
    const seconds = (id: string, field: string) => Number(textField(template.Resources[id]?.Properties ?? {}, field));

    expect(seconds("DefaultQueue", "VisibilityTimeout")).toBeGreaterThan(seconds("WorkerLambdaFunction", "Timeout"));
    expect(seconds("DeadLetterQueue", "VisibilityTimeout")).toBeGreaterThan(
      seconds("DeadLetterLambdaFunction", "Timeout"),
    );
    expect(seconds("UploadsQueue", "VisibilityTimeout")).toBeGreaterThan(seconds("UploadsLambdaFunction", "Timeout"));
  });

  it("is accepted by cfn-lint", async ({ skip }) => {
    const missing = await run("cfn-lint", ["--version"]).then(
      () => false,
      () => true,
    );
    if (missing) skip("cfn-lint is not installed (pip install cfn-lint): the template was not linted");

    await run("cfn-lint", [join(FOLDER, "cloudformation-template-update-stack.json")]);
  });
});

describe("a packaged function", () => {
  it("is one module with its chunks, and carries every task", () => {
    const files = Object.keys(unzipSync(readFileSync(join(WORK_FOLDER, "package", "beat.zip"))));

    expect(files).toContain("handlers/beat.mjs");
    expect(files.filter((file) => !/^(handlers|chunks)\/.*\.mjs(\.map)?$|^node_modules\//.test(file))).toEqual([]);
  });

  it("brings no native package that none of its tasks imports", () => {
    const files = Object.keys(unzipSync(readFileSync(join(WORK_FOLDER, "package", "worker.zip"))));

    expect(files.filter((file) => file.startsWith("node_modules/"))).toEqual([]);
  });

  it("is the same file when nothing has changed", async () => {
    const before = readFileSync(join(WORK_FOLDER, "package", "deadLetter.zip"));
    const { packageFunction } = await import("../../build/package-function.ts");
    const again = await packageFunction({
      name: "deadLetter",
      handler: "handlers/dead-letter.handler",
      tasks: { folders: ["tests/fixtures/tasks"] },
      native: [],
      architecture: "arm64",
    });

    expect(existsSync(again)).toBe(true);
    expect(readFileSync(again).equals(before)).toBe(true);
  });
});
