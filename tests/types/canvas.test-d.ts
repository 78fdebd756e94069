/** Canvases that must and must not compile. `tsc` over the whole project is what runs this file. */

import { expectTypeOf } from "vitest";
import * as z from "zod";
import {
  type AsyncResult,
  chain,
  chord,
  each,
  type GroupResult,
  group,
  type MemberOutcome,
  task,
} from "../../shared/index.ts";

const fetchPage = task({
  name: "fetch_page",
  payload: z.object({ url: z.string() }),
  run: ({ url }) => `page of ${url}`,
});
const countWords = task({
  name: "count_words",
  payload: z.object({ text: z.string() }),
  run: ({ text }) => text.length,
});
const save = task({
  name: "save",
  payload: z.object({ bucket: z.string(), count: z.number(), note: z.string().optional() }),
  run: () => ({ key: "a" }),
});
const sum = task({ name: "sum", payload: z.object({ counts: z.array(z.number()) }), run: () => 1 });
const tick = task({ name: "tick", run: () => null });
const split = task({ name: "split", payload: z.object({ file: z.string() }), run: () => [{ text: "a" }] });
const report = task({
  name: "report",
  payload: z.object({
    id: z.string(),
    task: z.string(),
    error: z.object({ name: z.string(), message: z.string() }),
    to: z.string(),
  }),
  run: () => null,
});
const url = "https://example.com";

// Handles and results.
const line = chain(fetchPage.s({ url }), countWords.s().into("text"), save.s({ bucket: "b" }).into("count"));
expectTypeOf(line.delay).returns.resolves.toEqualTypeOf<AsyncResult<{ key: string }>>();
expectTypeOf(group([fetchPage.s({ url }), countWords.s({ text: "a" })]).delay).returns.resolves.toEqualTypeOf<
  GroupResult<[string, number]>
>();
const many = ["a"].map((one) => fetchPage.s({ url: one }));
expectTypeOf(group(many).delay).returns.resolves.toEqualTypeOf<GroupResult<string[]>>();
expectTypeOf(group(many, { policy: "collect" }).delay).returns.resolves.toEqualTypeOf<
  GroupResult<MemberOutcome<string>[]>
>();
expectTypeOf(group(many, { policy: "first" }).delay).returns.resolves.toEqualTypeOf<GroupResult<string>>();
async function* pages() {
  yield fetchPage.s({ url });
}
function* words() {
  yield countWords.s({ text: "a" });
}
expectTypeOf(group(pages()).delay).returns.resolves.toEqualTypeOf<GroupResult<string[]>>();
expectTypeOf(group(new Set(many), { policy: "collect" }).delay).returns.resolves.toEqualTypeOf<
  GroupResult<MemberOutcome<string>[]>
>();
expectTypeOf(group(pages(), { policy: "first" }).delay).returns.resolves.toEqualTypeOf<GroupResult<string>>();
expectTypeOf(chord(words(), sum.s().into("counts")).delay).returns.resolves.toEqualTypeOf<AsyncResult<number>>();
const texts = ["a"].map((text) => countWords.s({ text }));
expectTypeOf(chord(texts, sum.s().into("counts")).delay).returns.resolves.toEqualTypeOf<AsyncResult<number>>();
expectTypeOf(chain(split.s({ file: "f" }), each(countWords.s())).delay).returns.resolves.toEqualTypeOf<
  GroupResult<number[]>
>();

export const fits = [
  () => chain(split.s({ file: "f" }), each(countWords.s()), sum.s().into("counts")).delay(),
  () => chain(fetchPage.s({ url }), tick.si(), tick.si()).applyAsync({ countdown: 5 }),
  () => chain(fetchPage.s({ url }), group([countWords.s().into("text"), tick.si()])).delay(),
  () =>
    chain(chain(fetchPage.s({ url }), countWords.s().into("text")), save.s({ bucket: "b", note: "n" }).into("count")),
  () => line.onError(report.s({ to: "ada" })),
  () => countWords.s({ text: "a" }).link(save.s({ bucket: "b" }).into("count")),
  () => countWords.s({ text: "a" }).set({ queue: "high", countdown: 5 }).delay(),
];

export const refused = [
  // A step that cannot take the result before it.
  // @ts-expect-error a page is no object with a text
  () => chain(fetchPage.s({ url }), countWords.s()),
  // @ts-expect-error a number is no text
  () => chain(countWords.s({ text: "a" }), countWords.s().into("text")),
  // @ts-expect-error the bucket is still missing
  () => chain(countWords.s({ text: "a" }), save.s().into("count")),
  // A body that cannot take the results.
  // @ts-expect-error pages are no numbers
  () => chord(many, sum.s().into("counts")),
  // @ts-expect-error pages that are given one by one are no numbers
  () => chord(pages(), sum.s().into("counts")),
  // @ts-expect-error texts are no signatures
  () => group(["a"].values()),
  // @ts-expect-error outcomes are no numbers
  () => chord(texts, sum.s().into("counts"), { policy: "collect" }),
  // `each` over what is no list, or whose items do not fit.
  // @ts-expect-error a page is no list
  () => chain(fetchPage.s({ url }), each(countWords.s())),
  // @ts-expect-error its items have no url
  () => chain(split.s({ file: "f" }), each(fetchPage.s())),
  // A whole whose first task still lacks fields.
  // @ts-expect-error the url is missing
  () => fetchPage.s().delay(),
  // @ts-expect-error the count is missing
  () => save.s({ bucket: "b" }).delay(),
  // @ts-expect-error the url is missing
  () => chain(fetchPage.s(), countWords.s().into("text")).delay(),
  // Fields and options that there are not.
  // @ts-expect-error there is no such field
  () => fetchPage.s({ uri: url }),
  // @ts-expect-error there is no such field
  () => save.s({ bucket: "b" }).into("text"),
  // @ts-expect-error of the wrong type
  () => save.s({ bucket: 1 }),
  // @ts-expect-error an immutable signature has its whole payload
  () => save.si({ bucket: "b" }),
  // @ts-expect-error it would make one task of several places
  () => fetchPage.s({ url }).set({ idempotencyKey: "k" }),
  // @ts-expect-error no policy
  () => group(many, { policy: "sometimes" }),
  // @ts-expect-error a callback that cannot take the result
  () => fetchPage.s({ url }).link(save.s({ bucket: "b" }).into("count")),
  // @ts-expect-error a callback that needs more than a failure has
  () => line.onError(save.s({ bucket: "b" })),
];
