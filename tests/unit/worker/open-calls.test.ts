import { describe, expect, it } from "vitest";
import { createOpenCalls } from "../../../shared/worker/open-calls.ts";

describe("the open calls of a run", () => {
  it("are none at first", async () => {
    expect(await createOpenCalls().ended()).toBeUndefined();
  });

  it("give their value to whoever holds them", async () => {
    expect(await createOpenCalls().add(Promise.resolve(5))).toBe(5);
  });

  it("are waited for, also those that join meanwhile", async () => {
    const open = createOpenCalls();
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isOver = false;
    void open.add(first.promise.then(() => void open.add(second.promise)));
    const ended = open.ended().then((outcome) => {
      isOver = true;
      return outcome;
    });

    first.resolve();
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    second.resolve();
    expect(await ended).toBeUndefined();
  });

  it("tell the first error of those that are open, and keep it from ending the process", async () => {
    const open = createOpenCalls();
    const late = Promise.withResolvers<void>();
    void open.add(Promise.reject(new Error("one")).finally(() => void open.add(late.promise)));

    const ended = open.ended();
    await new Promise(setImmediate);
    late.reject(new Error("two"));

    expect(await ended).toEqual({ error: new Error("one") });
  });

  it("are forgotten once they have ended: whoever held one has heard of its error", async () => {
    const open = createOpenCalls();
    await expect(open.add(Promise.reject(new Error("heard")))).rejects.toThrow("heard");

    expect(await open.ended()).toBeUndefined();
  });
});
