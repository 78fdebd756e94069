import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { isObject } from "../../../localstack/json.ts";
import { task } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { createWorkbench } from "../../helpers/workbench.ts";

const any = task({ name: "any", payload: z.object({}), run: () => null });
let engine: Engine;
beforeAll(async () => {
  engine = await startEngine((template) => {
    const environment = template.Resources.WorkerLambdaFunction?.Properties?.Environment;
    if (!isObject(environment) || !isObject(environment.Variables)) throw new Error("The worker has no environment.");
    const gone = "https://sqs.us-east-1.amazonaws.com/000000000000/gone";
    Object.assign(environment.Variables, { BROKER_URL_GONE: gone, DEAD_LETTER_QUEUE_URL: gone });
  });
});
afterAll(() => engine.stop());

describe("GET /queues", () => {
  it("shows the others when one cannot be read, and logs why", async () => {
    const { status, body } = await createWorkbench(engine, { any }).call("GET", "/queues");

    expect(status).toBe(200);
    expect(body.queues).toContainEqual({ name: "gone", unreadable: true, paused: false });
    expect(body.queues).toContainEqual({
      name: "default",
      waiting: 0,
      inFlight: 0,
      delayed: 0,
      workers: 50,
      paused: false,
    });
    expect(body.dead).toBeNull();
    expect(engine.logged).toContainEqual(
      expect.objectContaining({ message: "A queue could not be read", queue: "gone" }),
    );
  });
});
