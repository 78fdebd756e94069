import { expect, it } from "vitest";
import { chain, each, group } from "../../../shared/index.ts";
import { parseJson } from "../../../shared/message/json.ts";
import { definitionKey } from "../../../shared/table/keys.ts";
import { idAt } from "../../../shared/workflows/definition.ts";
import { startGround } from "./ground.ts";
import { inc, list, tasks, unchecked } from "./tasks.ts";

/** Definitions of the next version of Lovage, which a worker of this one meets while one is deployed for the other. */

const { bench, engine, queues, settle } = await startGround(tasks);
const { app } = engine;
const DAY_MILLISECONDS = 86_400_000;

// biome-ignore lint/suspicious/noExplicitAny: a definition of another version has whatever that writes.
type Stored = any;

/** Sends a workflow, and has another version store its definition; answers with what was stored before. */
async function sent(change: (definition: Stored) => void): Promise<{ id: string; text: string }> {
  const callback = unchecked(inc.si({ n: 50 }));
  const shape = chain(
    list.s({ values: [1, 2] }),
    each(
      inc
        .s()
        .into("n")
        .set({ tags: ["a"] }),
    ),
    unchecked(group([inc.si({ n: 5 }), inc.si({ n: 6 })], { policy: { tolerate: 1 } })),
    unchecked(list.s().into("values")).link(callback as never),
  );
  const { id } = await shape.delay();
  const key = definitionKey(id);
  const text = String((await engine.table.get(key))?.text);
  const definition: Stored = parseJson(text);
  change(definition);
  await engine.table.update({ key, set: { text: JSON.stringify(definition) } });
  return { id, text };
}

const RESULT = [
  { ok: true, value: 6 },
  { ok: true, value: 7 },
];

it("fields that this version does not know are left alone, wherever they stand", async () => {
  const { id } = await sent((definition) => {
    definition.region = "eu";
    definition.root.hedge = { after: 3 };
    const [first, of, two, last] = definition.root.chain;
    first.weight = 5;
    of.parallel = 7;
    of.each.options.priority = 3;
    two.quorum = 1;
    two.policy.within = "1 hour";
    two.group[1].retries = { most: 4 };
    last.link[0].when = "always";
  });
  await settle();

  expect(queues.waiting).toEqual([]);
  expect((await bench.call("GET", `/tasks/${id}`)).body).toMatchObject({ state: "SUCCESS", result: RESULT });
  expect((await bench.call("GET", `/workflows/${id}`)).body).toMatchObject({ state: "SUCCESS" });
});

it.each<[string, (definition: Stored) => void]>([
  ["a kind of node", ({ root }) => (root.chain[2] = { race: root.chain[2].group })],
  ["a policy", ({ root }) => (root.chain[2].policy = "majority")],
  ["a form of an option", ({ root }) => (root.chain[2].group[0].options = { queue: ["high", "low"] })],
  ["a version of all", (definition) => (definition.v = 2)],
])("%s that this version does not know waits for days, and nothing of it is lost", async (_, change) => {
  const { id, text } = await sent(change);
  await queues.until(new Date(engine.clock.now.getTime() + 2 * DAY_MILLISECONDS));

  const ends = await Promise.all(
    ["0", "2.0", "3"].map((place) => app.results.kept(idAt({ id, root: parseJson(text) as never }, place))),
  );
  expect(ends.filter((one) => one?.state === "FAILURE")).toEqual([]);
  expect(queues.waiting).not.toEqual([]);
  expect((await bench.call("GET", `/tasks/${id}`)).body).toMatchObject({ state: "PENDING" });

  const { status, body } = await bench.call("GET", `/workflows/${id}`);
  expect([status, body.code, body.detail]).toEqual([409, "WORKFLOW_NEWER", expect.stringContaining("Deploy it.")]);
  const { body: listed } = await bench.call("GET", "/workflows?limit=1");
  expect(listed).toMatchObject({ workflows: [{ id, state: "PENDING", title: "(of a newer version of Lovage)" }] });

  // A worker that knows it has come.
  await engine.table.update({ key: definitionKey(id), set: { text } });
  await queues.until(new Date(engine.clock.now.getTime() + DAY_MILLISECONDS / 8));
  expect((await bench.call("GET", `/tasks/${id}`)).body).toMatchObject({ state: "SUCCESS", result: RESULT });
  expect(queues.waiting).toEqual([]);
});
