import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as processUpload from "../../../../handlers/examples/process-upload.ts";
import { decodeBytes } from "../../../../handlers/examples/unknown-text/index.ts";
import { isObject } from "../../../../localstack/json.ts";
import { files } from "../../../../shared/index.ts";
import { type Engine, startEngine } from "../../../helpers/engine.ts";
import { createUploads, type Uploads } from "../../../helpers/uploads.ts";
import { createWorkbench, type Workbench } from "../../../helpers/workbench.ts";
import { ON_PURPOSE } from "../../fixtures/uploads/on-purpose.ts";

const FOLDER = resolve(import.meta.dirname, "../../fixtures/uploads");

/** A file of the corpus, and the right answer of an independent reader. */
interface Entry {
  file: string;
  filename: string;
  contentType: string;
  /** Facts of the task's result, or the code of its error. */
  answer: Record<string, unknown>;
  /** SHA-256 of the text in UTF-8: the encoding may have many names, the letters are these. */
  textSha256?: string;
  /** The upright picture in the size of its thumbnail, and the colours near its corners. */
  shown?: Picture;
}

interface Picture {
  width: number;
  height: number;
  corners: number[][];
}

/** The messages that one receive gets. */
const BATCH = 10;

const purposes = new Map(ON_PURPOSE.flatMap((purpose) => purpose.files.map((file) => [file, purpose])));

/**
 * Sends every file of these kinds through forms, S3, its notifications and the worker, and holds each answer against the corpus.
 * @param kinds each with the least number of its files
 */
export function describeCorpus(kinds: Readonly<Record<string, number>>): void {
  const corpus = Object.entries(kinds).map(([kind, least]) => ({ kind, least, entries: entriesOf(kind) }));
  const service = createService();
  beforeAll(() => service.start(corpus.flatMap(({ entries }) => entries)), 120_000);
  afterAll(() => service.stop());

  describe.each(corpus)("of the corpus of $kind", ({ kind, least, entries }) => {
    it("every file has an answer", () => {
      const found = globSync(`${kind}/*`, { cwd: join(FOLDER, "files") });
      expect(entries.map(({ file }) => file).toSorted()).toEqual(found.toSorted());
      expect(entries.length).toBeGreaterThanOrEqual(least);
    });

    it.each(entries.filter(({ file }) => !purposes.has(file)))("$file is read rightly", async (entry) => {
      await expectRight(entry, service.answerOf(entry));
    });

    it.each(entries.filter(({ file }) => purposes.has(file)))("$file is read otherwise on purpose", async (entry) => {
      const { instead = {}, payload } = purposes.get(entry.file) ?? {};
      const answer = service.answerOf(entry);
      expect(factsOf(answer)).toMatchObject(instead);
      await expect(expectRight(entry, answer), "nothing differs").rejects.toThrow();
      if (payload !== undefined) await expectRight(entry, service.correctedAnswerOf(entry));
    });
  });
}

function entriesOf(kind: string): Entry[] {
  return JSON.parse(readFileSync(join(FOLDER, `answers/${kind}.golden.json`), "utf8"));
}

/** The service with all files of the corpus sent, and those that a person corrects replayed. */
function createService() {
  const answers = new Map<string, Record<string, unknown>>();
  const corrected = new Map<string, Record<string, unknown>>();
  let engine: Engine;

  /** Sends these files, and waits for the end of their tasks. */
  async function run(uploads: Uploads, entries: readonly Entry[]): Promise<void> {
    const ids = await Promise.all(entries.map((entry) => send(uploads, entry)));
    for (let round = 0; round < 10; round += 1) {
      const records = await Promise.all(ids.map((id) => engine.app.results.read(id)));
      for (const [index, record] of records.entries()) answers.set(entries[index]?.file ?? "", { ...record });
      if (records.every((record) => record?.state === "SUCCESS" || record?.state === "FAILURE")) return;
      await uploads.process();
    }
  }

  /** Runs the task of a file again, with the words of a person. */
  async function correct(bench: Workbench, { file }: Entry): Promise<void> {
    const payload = purposes.get(file)?.payload;
    if (payload === undefined) return;
    const id = answers.get(file)?.id;
    const body = { payload: { key: `uploads/${id}`, ...payload } };
    const replayed = String((await bench.call("POST", `/tasks/${id}/replay`, body)).body.id);
    await bench.workUntilFinal(replayed);
    corrected.set(file, { ...(await engine.app.results.read(replayed)) });
  }

  return {
    async start(entries: readonly Entry[]): Promise<void> {
      engine = await startEngine();
      const uploads = createUploads(engine, [{ file: "process-upload.ts", exports: processUpload }]);
      for (let from = 0; from < entries.length; from += BATCH) await run(uploads, entries.slice(from, from + BATCH));
      const bench = createWorkbench(engine, processUpload);
      for (const entry of entries) await correct(bench, entry);
    },
    stop: () => engine.stop(),
    /** The record of a file's task. */
    answerOf: ({ file }: Entry) => answers.get(file) ?? {},
    /** The record of its replay, with the words of a person. */
    correctedAnswerOf: ({ file }: Entry) => corrected.get(file) ?? {},
  };
}

/** Sends a file; answers with its task's id. */
async function send(uploads: Uploads, { file, filename, contentType }: Entry): Promise<string> {
  const { id, form } = await uploads.ask({ filename, contentType });
  const status = await uploads.send(form, new Uint8Array(readFileSync(join(FOLDER, "files", file))));
  if (status !== 204) throw new Error(`S3 answered ${status} to ${file}.`);
  return id;
}

/** The result of a task that has succeeded, or the code of its error. */
function factsOf({ result, error }: Record<string, unknown>): Record<string, unknown> {
  if (isObject(result)) return result;
  return { error: isObject(error) ? error.code : undefined };
}

async function expectRight(entry: Entry, answer: Record<string, unknown>): Promise<void> {
  const facts = factsOf(answer);
  expect(rounded(facts)).toMatchObject(rounded(entry.answer));
  if (facts.error !== undefined) return;
  expect(facts.filename).toBe(entry.filename);
  if (entry.textSha256 !== undefined) expect(textSha256(entry, facts)).toBe(entry.textSha256);
  if (entry.shown !== undefined) expectAlike(await thumbnailOf(answer), entry.shown);
}

/** Numbers to ten digits: two ways of counting part at the sixteenth. */
function rounded(facts: object): object {
  return JSON.parse(JSON.stringify(facts), (_, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(10)) : value,
  );
}

/** The letters, in the encoding in which the task has read them. */
function textSha256({ file }: Entry, facts: Record<string, unknown>): string {
  const part = [facts.csv, facts.text].find(isObject);
  const text = decodeBytes(readFileSync(join(FOLDER, "files", file)), String(part?.encoding));
  return createHash("sha256").update(text).digest("hex");
}

async function thumbnailOf({ id }: Record<string, unknown>): Promise<Picture> {
  const link = await files.linkDerived(String(id), "thumbnail.webp");
  const file = Buffer.from(await (await fetch(link)).arrayBuffer());
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const near = (size: number): number[] => [Math.floor(size / 8), size - 1 - Math.floor(size / 8)];
  const colour = (x: number, y: number): number[] => [...data.subarray((y * width + x) * 4).subarray(0, 4)];
  return { width, height, corners: near(height).flatMap((y) => near(width).map((x) => colour(x, y))) };
}

/** The colours of a thumbnail are those of the picture, but for what scaling and WebP do to them. */
function expectAlike(thumbnail: Picture, { width, height, corners }: Picture): void {
  expect(thumbnail).toMatchObject({ width, height });
  for (const [index, [red = 0, green = 0, blue = 0, alpha = 0]] of corners.entries()) {
    const [r = 0, g = 0, b = 0, a = 0] = thumbnail.corners[index] ?? [];
    expect(Math.abs(a - alpha)).toBeLessThan(40);
    // Nobody sees the colour of a transparent place.
    if (alpha < 60) continue;
    const distance = Math.max(Math.abs(r - red), Math.abs(g - green), Math.abs(b - blue));
    expect(distance, `corner ${index}: ${[r, g, b]} for ${[red, green, blue]}`).toBeLessThan(48);
  }
}
