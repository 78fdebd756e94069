import { describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { createApi } from "../../helpers/api.ts";
import { startBench } from "../../helpers/workbench.ts";

const CARD = "4111-2222-3333-4444";
const TOKEN = "token-of-invoice";
const ran: string[] = [];

const charge = task({
  name: "charge",
  payload: z.object({ order: z.string(), card: z.string().min(5).meta({ secret: true }), note: z.string().optional() }),
  secrets: ["result.token", "progress.card"],
  run: async ({ order, card }, { progress }) => {
    await progress({ card, step: 1 });
    ran.push(`${order}: ${card}`);
    return { order, token: TOKEN };
  },
});
const tasks = { charge };
const { engine, bench } = await startBench(tasks);

async function charged(): Promise<string> {
  const { id } = await charge.delay({ order: "one", card: CARD });
  await bench.workUntilFinal(id);
  return id;
}

describe("a secret", () => {
  it("stands in no answer about its task, and shows that it is there", async () => {
    const id = await charged();
    const one = await bench.call("GET", `/tasks/${id}`);
    const list = await bench.call("GET", "/tasks?task=charge");
    const shown = {
      state: "SUCCESS",
      payload: { order: "one", card: "[secret]" },
      result: { order: "one", token: "[secret]" },
      progress: { card: "[secret]", step: 1 },
    };

    expect(one.body).toMatchObject(shown);
    expect(list.body.tasks).toContainEqual(expect.objectContaining(shown));
    for (const text of [JSON.stringify(one), JSON.stringify(list)]) {
      expect(text).not.toContain(CARD);
      expect(text).not.toContain(TOKEN);
    }
    expect(await charge.delay({ order: "two", card: CARD }).then((sent) => sent.fetch())).toMatchObject({
      payload: { card: CARD },
    });
  });

  it("has no link, where its payload is large", async () => {
    const { id } = await charge.delay({ order: "large", card: CARD, note: "x".repeat(1_000_000) });
    const { body } = await bench.call("GET", `/tasks/${id}`);

    expect(body.large).toEqual({ payload: { sizeBytes: expect.any(Number) } });
  });

  it("is not shown of a task that no module exports any more", async () => {
    const id = await charged();
    const bare = createApi(engine.app, createRegistry([]));
    const body: unknown = await (await bare.request("GET", `/tasks/${id}`)).json();

    expect(body).toMatchObject({ payload: "[secret]", result: "[secret]", progress: "[secret]" });
  });

  it("is not repeated by a refusal", async () => {
    const answer = await bench.call("POST", "/tasks/charge", { payload: { order: "one", card: "4111" } });

    expect(answer).toMatchObject({ status: 422, body: { code: "PAYLOAD_INVALID", issues: [{ path: ["card"] }] } });
    expect(JSON.stringify(answer)).not.toContain("4111");
  });
});

describe("a replay with an edited payload", () => {
  it("keeps the secret that it does not know", async () => {
    const old = await charged();
    ran.length = 0;
    const payload = { order: "edited", card: "[secret]" };
    const { body } = await bench.call("POST", `/tasks/${old}/replay`, { payload });
    await bench.workUntilFinal(String(body.id));

    expect(ran).toContain(`edited: ${CARD}`);
  });

  it("is the replay of the old payload, where that is what it says", async () => {
    const old = await charged();
    const same = await bench.call("POST", `/tasks/${old}/replay`, { payload: { order: "one", card: "[secret]" } });
    const plain = await bench.call("POST", `/tasks/${old}/replay`);

    expect(same.body.id).toBe(plain.body.id);
  });
});

describe("a schedule entry", () => {
  const entry = { task: "charge", schedule: "rate(1 day)", payload: { order: "daily", card: CARD } };
  const stored = async () => {
    const found = await engine.app.schedules.read("daily");
    return found?.kind === "entry" ? found.entry.definition.payload : undefined;
  };

  it("shows none, and keeps it through changes", async () => {
    const answers = [
      await bench.call("PUT", "/schedules/daily", entry),
      await bench.call("PATCH", "/schedules/daily", { payload: { order: "changed", card: "[secret]" } }),
    ];
    expect(await stored()).toEqual({ order: "changed", card: CARD });
    answers.push(
      await bench.call("PUT", "/schedules/daily", { ...entry, payload: { order: "put", card: "[secret]" } }),
      await bench.call("GET", "/schedules/daily"),
      await bench.call("GET", "/schedules"),
    );

    expect(await stored()).toEqual({ order: "put", card: CARD });
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers[3]?.body).toMatchObject({ payload: { order: "put", card: "[secret]" } });
    expect(JSON.stringify(answers)).not.toContain(CARD);
  });

  it("within a workflow shows none, and keeps it through changes", async () => {
    const workflow = (order: string, card: string) => ({
      chain: [
        {
          task: "charge",
          payload: { order, card },
          link: [{ task: "charge", payload: { order, card }, immutable: true }],
        },
      ],
    });
    const answers = [
      await bench.call("PUT", "/schedules/flow", { schedule: "rate(1 day)", workflow: workflow("one", CARD) }),
      await bench.call("PATCH", "/schedules/flow", { workflow: workflow("two", "[secret]") }),
      await bench.call("GET", "/schedules/flow"),
      await bench.call("GET", "/schedules"),
    ];
    const found = await engine.app.schedules.read("flow");

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(found?.kind === "entry" && found.entry.definition.workflow).toEqual(workflow("two", CARD));
    expect(answers[2]?.body).toMatchObject({ workflow: workflow("two", "[secret]") });
    expect(JSON.stringify(answers)).not.toContain(CARD);
    const moved = { group: [{ task: "charge", payload: { order: "three", card: "[secret]" } }, { task: "charge" }] };
    expect((await bench.call("PATCH", "/schedules/flow", { workflow: moved })).status).toBe(422);
  });

  it("that is new is refused where it says [secret]", async () => {
    const payload = { order: "new", card: "[secret]" };
    const answer = await bench.call("PUT", "/schedules/new", { ...entry, payload });

    expect(answer).toMatchObject({ status: 422, body: { code: "PAYLOAD_INVALID" } });
  });
});
