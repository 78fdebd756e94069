import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addOwnDeclaration } from "../../../build/own-declaration.ts";

const OURS = {
  params: { default: { beat: "on" }, local: { apiKeyHashes: "none" }, dev: {} },
  provider: { timeout: 28, environment: { TIMEZONE: "UTC", BROKER_URL: { Ref: "DefaultQueue" } } },
  functions: { worker: { handler: "handlers/worker.handler", timeout: 60, events: [{ sqs: "default" }] } },
  resources: {
    Resources: {
      DefaultQueue: { Type: "AWS::SQS::Queue", Properties: { QueueName: "a", RedrivePolicy: { maxReceiveCount: 3 } } },
      ViewRole: { Type: "AWS::IAM::Role", Properties: { Policies: ["send", "log"] } },
    },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-declaration-"));
  await writeFile(join(folder, "ours.json"), JSON.stringify(OURS));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Everything that is added to `service`, by its place. */
function added(service: Record<string, unknown>, file = "ours.json"): Record<string, unknown> {
  const additions: Record<string, unknown> = {};
  addOwnDeclaration(
    {
      configurationInput: service,
      extendConfiguration: (path, value) => {
        additions[path.join(".")] = value;
      },
      classes: { Error },
    },
    join(folder, file),
  );
  return additions;
}

describe("addOwnDeclaration", () => {
  it("adds everything to a service that says nothing, but the role of views", () => {
    const { ViewRole: _, ...Resources } = OURS.resources.Resources;

    expect(added({ service: "invoices" })).toEqual({ ...OURS, resources: { Resources } });
  });

  it("adds nothing where Lovage's own declaration is the service's", () => {
    expect(added({ service: "lovage" }, "absent.json")).toEqual({});
  });

  it("adds the role of views to a service that has one", () => {
    const functions = { ...OURS.functions, view: { handler: "handlers/view.handler", role: "ViewRole" } };

    expect(added({ ...OURS, functions, resources: {} })).toEqual({ "resources.Resources": OURS.resources.Resources });
  });

  it("leaves a property of a resource and of a function as the service has it", () => {
    const own = {
      ...OURS,
      functions: { worker: { events: [{ sqs: "own" }], timeout: 300 } },
      resources: { Resources: { DefaultQueue: { Properties: { RedrivePolicy: { maxReceiveCount: 9 } } } } },
    };

    expect(added(own)).toEqual({
      "functions.worker.handler": "handlers/worker.handler",
      "resources.Resources.DefaultQueue.Type": "AWS::SQS::Queue",
      "resources.Resources.DefaultQueue.Properties.QueueName": "a",
    });
  });

  it("takes a function of CloudFormation as a value", () => {
    const provider = { ...OURS.provider, environment: { BROKER_URL: { "Fn::Sub": "${OtherQueue}" } } };

    expect(added({ ...OURS, provider })).toEqual({ "provider.environment.TIMEZONE": "UTC" });
  });

  it("takes away what the service sets to null", () => {
    const service = { ...OURS, functions: { worker: null } };

    expect(added(service)).toEqual({});
    expect(service.functions).toEqual({});
  });

  it("adds no stage to a service that names its own", () => {
    expect(added({ ...OURS, params: { local: {}, test: {} } })).toEqual({
      "params.default": { beat: "on" },
      "params.local.apiKeyHashes": "none",
    });
  });

  it("refuses a list, and a variable, in the place of named entries", () => {
    expect(() => added({ functions: [{ worker: {} }] })).toThrow(
      "'functions' in serverless.yml is [{\"worker\":{}}]: expected named entries, for Lovage adds its own to them. Write the entries there, with variables in their values.",
    );
    expect(() => added({ provider: { environment: "${param:environment}" } })).toThrow("'provider.environment'");
  });
});
