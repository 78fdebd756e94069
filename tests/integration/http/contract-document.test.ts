import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { resourcesOf } from "../../../localstack/template/template.ts";
import type { Call } from "../../../shared/http/call.ts";
import { CALLS } from "../../../shared/http/calls.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { type Api, createApi } from "../../helpers/api.ts";
import { readTemplate } from "../../helpers/compile-template.ts";
import { type Contract, readContract } from "../../helpers/contract.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { tasks } from "./contract-tasks.ts";

let engine: Engine;
let contract: Contract;
let document: unknown;
let api: Api;

const registry = createRegistry([{ file: "tests.ts", exports: tasks }]);

beforeAll(async () => {
  engine = await startEngine();
  api = createApi(engine.app, registry);
  document = await (await api.request("GET", "/openapi.json")).json();
  contract = readContract(document);
});
afterAll(() => engine.stop());

const anonymous = (route: string): string => route.replaceAll(/\{\w+\}/g, "{}");

describe("the contract", () => {
  it("names each route of the functions, and no other", () => {
    const served = api.routes
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
      .flatMap((route) =>
        route === "POST /tasks/{name}" ? registry.names.map((name) => `POST /tasks/${name}`) : [route],
      );
    const named = [...contract.declared].map((one) => one.replace(/ \d+$/, ""));

    expect([...new Set(named)].toSorted()).toEqual([...new Set(served)].toSorted());
  });

  it("is what serverless.yml gives to each function: its routes, and every other to `read`", async () => {
    const template = await readTemplate();
    const given = resourcesOf(template, "AWS::ApiGatewayV2::Route").flatMap(({ properties }) => {
      const [, integration = ""] = /HttpApiIntegration(\w+)/.exec(JSON.stringify(properties.Target)) ?? [];
      const owner = integration.toLowerCase();
      return owner === "view" ? [] : [`${owner}: ${anonymous(String(properties.RouteKey))}`];
    });
    const declared = Object.values<Call>(CALLS).flatMap((one) =>
      one.function === "read" ? [] : [`${one.function}: ${anonymous(one.route)}`],
    );

    expect(new Set(given)).toEqual(new Set([...declared, "read: $default"]));
  });

  it("has an id for each operation, and says where the service is", () => {
    const shape = z.object({
      servers: z.array(z.object({ url: z.url() })).nonempty(),
      paths: z.record(z.string(), z.record(z.string(), z.object({ operationId: z.string() }))),
    });
    const { paths, servers } = shape.parse(document);
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));

    expect(new Set(ids).size).toBe(ids.length);
    expect(servers).toEqual([{ url: "http://127.0.0.1:3000" }]);
  });

  it("has the payload of each task as its schema library says it", () => {
    const { schemas } = z
      .object({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) })
      .parse(document).components;

    expect(schemas).toMatchObject({
      payload_add: { type: "object", required: ["x", "y"], properties: { x: { type: "number" } } },
      payload_mail: { type: "object", required: ["to"], properties: { to: { type: "string", format: "email" } } },
      payload_ship: { type: "object", required: ["to"], properties: { parcels: { type: "integer" } } },
      payload_tick: { maxProperties: 0 },
      // valibot says it only if it is asked to.
      payload_plain: { description: expect.stringContaining("does not describe it") },
      payload_trim: { description: expect.stringContaining("does not describe it") },
    });
    expect(Object.keys(schemas.payload_plain ?? {})).toEqual(["description"]);
    // A schema that refers to itself does so where it stands.
    expect(JSON.stringify(schemas.payload_grow)).toContain("#/components/schemas/payload_grow/");
  });
});
