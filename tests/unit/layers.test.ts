import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

/** The rows of the house, top to bottom; arrows point down. A file imports its own row's folder and lower rows. */
const ROWS: readonly (readonly string[])[] = [
  ["localstack", "tests", "build", "cli", "demo"],
  ["handlers"],
  ["shared/dashboard"],
  ["shared/testing", "shared/client"],
  ["shared/api.ts", "shared/app.ts", "shared/index.ts"],
  ["shared/worker", "shared/beat", "shared/uploads", "shared/http"],
  ["shared/entries"],
  ["shared/canvas"],
  ["shared/task"],
  [
    "shared/broker",
    "shared/results",
    "shared/timers",
    "shared/limits",
    "shared/control",
    "shared/audit",
    "shared/bulk",
    "shared/failures",
    "shared/counts",
    "shared/schedules",
    "shared/workflows",
    "shared/files",
    "shared/mail",
  ],
  ["shared/table"],
  ["shared/message"],
  ["shared/aws"],
  [
    ...["shared/errors", "shared/errors.ts", "shared/stored-error.ts", "shared/echo.ts", "shared/search.ts"],
    ...["shared/config.ts", "shared/api-keys.ts", "shared/log.ts", "shared/lifetimes.ts"],
  ],
];

/** The rows of the local cloud. It is outside of the house: it reads `shared/` where both must agree, and nothing there reads it. */
const CLOUD_ROWS: readonly (readonly string[])[] = [
  ["localstack/lovage-plugin.ts"],
  [...["localstack/plugin.ts", "localstack/serve.ts"], ...["localstack/service.ts", "localstack/client.ts"]],
  ["localstack/cloud.ts"],
  ["localstack/gateway.ts", "localstack/mapping"],
  ["localstack/lambda", "localstack/scheduler"],
  ["localstack/sqs", "localstack/dynamodb", "localstack/s3"],
  ["localstack/template"],
  [
    ...["localstack/account.ts", "localstack/clock.ts", "localstack/data-folder.ts", "localstack/json.ts"],
    ...["localstack/loopback.ts", "localstack/ports.ts", "localstack/request-text.ts", "localstack/send-to-queue.ts"],
    ...["localstack/turned-clock.ts", "localstack/turned-date.ts"],
  ],
];

function place(file: string, rows = ROWS): { row: number; room: string } {
  const rooms = rows.flatMap((names, row) => names.map((room) => ({ row, room })));
  const found = rooms.find(({ room }) => file === room || file.startsWith(`${room}/`));
  if (found === undefined)
    throw new Error(
      `File ${file} is in no room of the house: expected one of ${rooms.map(({ room }) => room).join(", ")}.`,
    );
  return found;
}

/** Everything a file imports: values and types, static and dynamic. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  const { module } = parseSync(file, source);
  const fixed = [...module.staticImports.map((one) => one.moduleRequest.value)];
  const again = module.staticExports.flatMap((one) => one.entries.flatMap((entry) => entry.moduleRequest?.value ?? []));
  const dynamic = module.dynamicImports.map(({ moduleRequest }) =>
    source.slice(moduleRequest.start, moduleRequest.end).replaceAll(/["'`]/g, ""),
  );
  const inTypes = [...source.matchAll(/\bimport\("([^"]+)"\)/g)].map((match) => match[1] ?? "");
  return [...fixed, ...again, ...dynamic, ...inTypes];
}

/** The fault of one import, if it has one. */
function fault(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) {
    const sdk = specifier.startsWith("@aws-sdk/") || specifier.startsWith("@smithy/");
    return sdk && !file.startsWith("shared/aws/") ? `${file} imports ${specifier}: only shared/aws may` : undefined;
  }
  const target = normalize(join(dirname(file), specifier));
  if (file.startsWith("localstack/")) return cloudFault(file, target);
  const [from, to] = [place(file), place(target)];
  if (from.room === "handlers" && to.room !== "handlers" && target !== "shared/index.ts") {
    return `${file} imports ${target}: handlers may import shared/index.ts only`;
  }
  const sibling = from.row === to.row && from.room !== to.room;
  // The two files of the composition root are one room, and so is the lowest row.
  const oneRoom = (from.room.endsWith(".ts") && to.room.endsWith(".ts")) || from.row === ROWS.length - 1;
  if (to.row < from.row || (sibling && !oneRoom)) return `${file} imports ${target}: arrows point down only`;
  return undefined;
}

/** The fault of one import within the local cloud, if it has one. */
function cloudFault(file: string, target: string): string | undefined {
  if (!target.startsWith("localstack/")) return undefined;
  const [from, to] = [place(file, CLOUD_ROWS), place(target, CLOUD_ROWS)];
  const sibling = from.row === to.row && from.room !== to.room;
  const oneRoom = from.room.endsWith(".ts") && to.room.endsWith(".ts");
  const faulty = to.row < from.row || (sibling && !oneRoom);
  return faulty ? `${file} imports ${target}: arrows point down only` : undefined;
}

describe("the layers of the house", () => {
  const files = globSync(["handlers/**/*.ts", "shared/**/*.{ts,tsx}"], { cwd: ROOT });

  it("let no import point up, and only shared/aws know the SDK", () => {
    const faults = files.flatMap((file) => importsOf(file).flatMap((specifier) => fault(file, specifier) ?? []));

    expect(files.length).toBeGreaterThan(30);
    expect(faults).toEqual([]);
  });

  it("let no import of the local cloud point up", () => {
    const cloud = globSync("localstack/**/*.ts", { cwd: ROOT }).filter((file) => !file.endsWith(".d.ts"));
    const inside = cloud.map(
      (file) => [file, importsOf(file).filter((specifier) => specifier.startsWith("."))] as const,
    );

    expect(cloud.length).toBeGreaterThan(60);
    expect(inside.flatMap(([file, specifiers]) => specifiers.flatMap((one) => fault(file, one) ?? []))).toEqual([]);
  });

  it.each([
    ["dashboard", 15, ["client/", "dashboard/", "search.ts"]],
    ["client", 5, ["client/"]],
  ])(
    "let the %s import types alone, but for the client and the search, for it runs in a browser",
    (room, least, own) => {
      const pages = globSync(`shared/${room}/**/*.{ts,tsx}`, { cwd: ROOT }).filter(
        (file) => !file.endsWith(".d.css.ts"),
      );
      const values = pages.flatMap((file) => {
        const { module } = parseSync(file, readFileSync(join(ROOT, file), "utf8"));
        return module.staticImports
          .filter(({ entries }) => entries.length === 0 || entries.some((entry) => !entry.isType))
          .map(({ moduleRequest }) => moduleRequest.value)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => normalize(join(dirname(file), specifier)))
          .filter((target) => !own.some((one) => target.startsWith(`shared/${one}`)));
      });

      expect(pages.length).toBeGreaterThan(least);
      expect(values).toEqual([]);
    },
  );

  it("have a room that exists for each name, but for the demo, which goes with the examples", () => {
    const all = globSync(["**/*"], { cwd: ROOT, exclude: ["node_modules", "node_modules/**"] });

    expect([...ROWS, ...CLOUD_ROWS].flat().filter((room) => room !== "demo" && !all.includes(room))).toEqual([]);
  });

  it.each([
    ["localstack/s3/store.ts", "../lambda/functions.ts"],
    ["localstack/sqs/server.ts", "../s3/server.ts"],
    ["shared/broker/broker.ts", "../task/task.ts"],
    ["shared/worker/batch.ts", "../http/base.ts"],
    ["shared/results/store.ts", "@aws-sdk/client-dynamodb"],
    ["handlers/worker.ts", "../shared/worker/batch.ts"],
    ["shared/index.ts", "../localstack/cloud.ts"],
  ])("would notice %s importing %s", (file, specifier) => {
    expect(fault(file, specifier)).toBeDefined();
  });
});
