import { describe, expect, it } from "vitest";
import { tellWorkers } from "../../../build/tell-workers.ts";

const queue = { Type: "AWS::SQS::Queue", Properties: {} };
const mapping = (id: string, reader: string, most?: number) => ({
  Type: "AWS::Lambda::EventSourceMapping",
  Properties: {
    EventSourceArn: { "Fn::GetAtt": [id, "Arn"] },
    FunctionName: { "Fn::GetAtt": [reader, "Arn"] },
    ...(most !== undefined && { ScalingConfig: { MaximumConcurrency: most } }),
  },
});

/** The variable of a function, with these mappings and this reserved concurrency of a worker. */
function told(mappings: readonly ReturnType<typeof mapping>[], reserved?: number): unknown {
  const Variables: Record<string, unknown> = {
    BROKER_URL: { Ref: "DefaultQueue" },
    BROKER_URL_BULK_MAIL: { Ref: "MailQueue" },
  };
  tellWorkers({
    Resources: {
      DefaultQueue: queue,
      MailQueue: queue,
      Read: { Type: "AWS::Lambda::Function", Properties: { Environment: { Variables } } },
      Bare: { Type: "AWS::Lambda::Function", Properties: {} },
      Worker: {
        Type: "AWS::Lambda::Function",
        Properties: reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved },
      },
      ...Object.fromEntries(mappings.map((one, index) => [`Mapping${index}`, one])),
    },
  });
  return Variables.WORKERS;
}

describe("the workers of a queue", () => {
  it.each([
    [
      "by the mapping",
      [mapping("DefaultQueue", "Worker", 50), mapping("MailQueue", "Worker", 2)],
      undefined,
      "default:50,bulk-mail:2",
    ],
    ["by the function, which is less", [mapping("DefaultQueue", "Worker", 50)], 7, "default:7"],
    ["by the function alone", [mapping("DefaultQueue", "Worker")], 7, "default:7"],
    [
      "of two functions",
      [mapping("DefaultQueue", "Worker", 5), mapping("DefaultQueue", "Read", 3)],
      undefined,
      "default:8",
    ],
    [
      "bounded by nothing",
      [mapping("DefaultQueue", "Worker"), mapping("MailQueue", "Worker", 2)],
      undefined,
      "bulk-mail:2",
    ],
    ["of nobody", [], undefined, undefined],
  ])("are told: %s", (_, mappings, reserved, expected) => {
    expect(told(mappings, reserved)).toBe(expected);
  });
});
