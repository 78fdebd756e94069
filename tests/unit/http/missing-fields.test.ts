import { describe, expect, it } from "vitest";
import * as z from "zod";
import { CALLS } from "../../../shared/http/calls.ts";
import { type CallId, callOf, requiredBodyFields, routeOf } from "../../../shared/http/routes.ts";
import { task } from "../../../shared/index.ts";
import { createCaller, createVirtualCloud } from "../../helpers/virtual-bench.ts";

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const upload = task({ name: "process_upload", payload: z.object({ key: z.string() }), run: () => null });
const { engine } = createVirtualCloud({ add, upload });
const call = createCaller(engine.app, { add, upload });

const needs = Object.keys(CALLS)
  .filter((id): id is CallId => id in CALLS)
  .flatMap((id) => requiredBodyFields(id).map((field) => ({ id, field })));

describe("a body", () => {
  it("of a schedule entry without a task and a workflow is told so", async () => {
    expect(needs).toContainEqual({ id: "putSchedule", field: "schedule" });
    expect(await call("PUT", "/schedules/daily", { schedule: "rate(1 day)" })).toMatchObject({
      status: 422,
      body: { detail: "Option 'task' is missing: an entry names a task, or has a 'workflow' in its place." },
    });
  });

  it.each(needs)("without a field that its call needs is told which: $id, $field", async ({ id, field }) => {
    const { method, path } = routeOf(callOf(id));
    const others = requiredBodyFields(id).filter((name) => name !== field);
    const body = Object.fromEntries(others.map((name) => [name, "x"]));
    const answer = await call(
      method.toUpperCase(),
      path.replace("{id}", engine.app.newId()).replace("{name}", "add"),
      body,
    );

    expect(answer).toMatchObject({
      status: 400,
      body: { code: "BODY_INVALID", detail: expect.stringContaining(`The body has no field '${field}': expected `) },
    });
  });
});
