import { describe, expect, it } from "vitest";
import { resolveIntrinsics, type Scope } from "../../../../localstack/template/intrinsics.ts";

const scope: Scope = {
  ref: async (name) => `<${name}>`,
  attribute: async (id, name) => `<${id}.${name}>`,
};

describe("CloudFormation's functions", () => {
  it.each<[unknown, unknown]>([
    [{ Ref: "Queue" }, "<Queue>"],
    [{ "Fn::GetAtt": ["Queue", "Arn"] }, "<Queue.Arn>"],
    [{ "Fn::GetAtt": "Queue.Arn" }, "<Queue.Arn>"],
    [
      { "Fn::Sub": "dynamodb://${Table}/${AWS::Region}/${Queue.Arn}/${!Literal}" },
      "dynamodb://<Table>/<AWS::Region>/<Queue.Arn>/${Literal}",
    ],
    [{ "Fn::Sub": ["${a}-${Table}", { a: { Ref: "Queue" } }] }, "<Queue>-<Table>"],
    [{ "Fn::Join": [":", ["arn", { Ref: "AWS::Partition" }, 5]] }, "arn:<AWS::Partition>:5"],
    [{ "Fn::Select": [1, { "Fn::Split": [".", "a.b.c"] }] }, "b"],
    [
      { deep: [{ Ref: "A" }, { b: { Ref: "B" } }], plain: "x" },
      { deep: ["<A>", { b: "<B>" }], plain: "x" },
    ],
    [
      { Ref: "A", Other: 1 },
      { Ref: "A", Other: 1 },
    ],
    [null, null],
    [
      { kept: 1, gone: { Ref: "AWS::NoValue" }, list: [{ Ref: "AWS::NoValue" }, { a: { Ref: "AWS::NoValue" } }, 2] },
      { kept: 1, list: [{}, 2] },
    ],
  ])("turn %j into %j", async (value, expected) => {
    expect(await resolveIntrinsics(value, scope)).toEqual(expected);
  });

  it("are refused by name where the local cloud does not know them", async () => {
    await expect(resolveIntrinsics({ "Fn::Cidr": [] }, scope)).rejects.toThrow(
      "CloudFormation function 'Fn::Cidr' is not known",
    );
  });
});
