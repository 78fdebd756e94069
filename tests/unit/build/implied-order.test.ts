import { expect, it } from "vitest";
import { leaveOutImpliedOrder } from "../../../build/implied-order.ts";

it("an order that a reference implies is taken out, and any other stays", () => {
  const Properties = { Role: { "Fn::GetAtt": ["Role", "Arn"] }, Text: { "Fn::Sub": "${Table}-x" } };
  const Resources = {
    Both: { Type: "T", DependsOn: ["Log", "Role"], Properties },
    Implied: { Type: "T", DependsOn: "Table", Properties },
    Own: { Type: "T", DependsOn: "Log", Properties },
    Bare: { Type: "T", DependsOn: ["Log"] },
  };
  leaveOutImpliedOrder({ Resources });

  expect(Resources).toEqual({
    Both: { Type: "T", DependsOn: ["Log"], Properties },
    Implied: { Type: "T", Properties },
    Own: { Type: "T", DependsOn: "Log", Properties },
    Bare: { Type: "T", DependsOn: ["Log"] },
  });
});
