import { afterAll, expect, it } from "vitest";
import * as z from "zod";
import { chain, createApp, createWorker, each, task, useApp } from "../../../shared/index.ts";
import { startProxy } from "../../faults/proxy.ts";
import { startEngine } from "../../helpers/engine.ts";

/** Members of the large group; `LOVAGE_MEMBERS=100000` is the long run. */
const MEMBERS = Number(process.env.LOVAGE_MEMBERS ?? 10_000);
/** Of the comparison with plain tasks. */
const FEW = 1000;

let ran = 0;
let bodies = 0;
const double = task({
  name: "double",
  payload: z.object({ n: z.number() }),
  run: ({ n }) => {
    ran += 1;
    return n * 2;
  },
});
const count = task({
  name: "count",
  payload: z.object({ to: z.number() }),
  run: ({ to }) => Array.from({ length: to }, (_, n) => ({ n })),
});
const addUp = task({
  name: "add_up",
  timeLimit: 600,
  run: async (_, { results }) => {
    let [sum, length] = [0, 0];
    for await (const one of results()) {
      sum += Number(one);
      length += 1;
    }
    bodies += 1;
    return { sum, length };
  },
});
const tasks = { double, count, addUp };

const engine = await startEngine();
afterAll(() => engine.stop());
const worker = createWorker([{ file: "tests.ts", exports: tasks }], engine.app);

/** Delivers batches of ten, in four lanes, until nothing is left; answers with the size of the largest message. */
async function drain(isOver: () => Promise<boolean>, handle = worker): Promise<number> {
  let largest = 0;
  const lane = async (): Promise<void> => {
    do {
      engine.clock.now = new Date();
      const { event, kept } = await engine.deliver("DefaultQueue", handle);
      largest = Math.max(largest, ...event.Records.map(({ body }) => body.length));
      await engine.acknowledge(
        "DefaultQueue",
        event.Records.filter(({ messageId }) => !kept.includes(messageId)),
      );
    } while (!(await isOver()));
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return largest;
}

const workflow = (to: number) => chain(count.s({ to }), each(double.s()), addUp.si());

it(`a group of ${MEMBERS} comes to its body, which holds no list`, { timeout: 1_200_000 }, async () => {
  const handle = await workflow(MEMBERS).delay();
  const largest = await drain(() => handle.ready());

  expect(await handle.get({ timeout: 0 })).toEqual({ sum: MEMBERS * (MEMBERS - 1), length: MEMBERS });
  expect(largest).toBeLessThan(2048);
});

it("a member costs little more than a plain task", { timeout: 120_000 }, async () => {
  let calls = 0;
  const endpoint = process.env.AWS_ENDPOINT_URL ?? "";
  const proxy = await startProxy(endpoint, (call, forward) => {
    calls += 1;
    return forward(call);
  });
  process.env.AWS_ENDPOINT_URL = proxy.endpoint;
  try {
    const app = createApp(engine.environment, { log: engine.app.log });
    useApp(app);
    const counted = createWorker([{ file: "tests.ts", exports: tasks }], app);
    const callsOf = async (send: () => Promise<() => Promise<boolean>>): Promise<number> => {
      calls = 0;
      const isOver = await send();
      await drain(isOver, counted);
      return calls / FEW;
    };
    const plain = await callsOf(async () => {
      const before = ran;
      await Promise.all(Array.from({ length: FEW }, (_, n) => double.delay({ n })));
      return async () => ran === before + FEW;
    });
    const member = await callsOf(async () => {
      await workflow(FEW).delay();
      const before = bodies;
      return async () => bodies > before;
    });
    console.log(`AWS calls: ${plain.toFixed(3)} per plain task, ${member.toFixed(3)} per member of a group of ${FEW}.`);
    // Its join, a tenth of a call, and its share of the fan-out, the body and their reads.
    expect(member - plain).toBeLessThan(0.4);
  } finally {
    process.env.AWS_ENDPOINT_URL = endpoint;
    useApp(engine.app);
    await proxy.close();
  }
});
