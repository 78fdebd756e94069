import { testApp } from "lovage/testing";
import { expect, it } from "vitest";
import { add } from "../handlers/tasks/math.ts";

it("adds", async () => {
  const app = await testApp({ tasks: { add } });
  const result = await add.delay({ x: 4, y: 6 });
  await app.drain();

  expect(await result.get()).toBe(10);
});
