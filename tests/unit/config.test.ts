import { describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../shared/config.ts";

const set = { BROKER_URL: "http://127.0.0.1:4566/000000000000/q", RESULT_BACKEND: "dynamodb://tasks" };

describe("configuration", () => {
  it("has Celery's defaults for what need not be set", () => {
    const config = loadConfig(set);

    expect(config.queueUrl("default")).toBe(set.BROKER_URL);
    expect(config.resultTable).toBe("tasks");
    expect(config.taskSerializer).toBe("json");
    expect(config.timezone).toBe("UTC");
    expect(config.resultExpires).toBe(86_400);
    expect(config.uploadTask).toBe("process_upload");
    expect(config.mailUrl.protocol).toBe("ses:");
    expect(config.apiKeys).toEqual([]);
  });

  it("reads nothing before it is asked", () => {
    expect(() => loadConfig({})).not.toThrow();
    expect(() => loadConfig({}).resultTable).toThrow(
      "Configuration 'RESULT_BACKEND' is not set: expected 'dynamodb://<table>'. Set it under provider.environment in serverless.yml.",
    );
  });

  it("reads how many workers a queue may have", () => {
    expect([...loadConfig({ ...set, WORKERS: "default:50,bulk-mail:2" }).workers]).toEqual([
      ["default", 50],
      ["bulk-mail", 2],
    ]);
    expect(loadConfig(set).workers.size).toBe(0);
  });

  it("names every further queue by its variable", () => {
    const config = loadConfig({ ...set, BROKER_URL_HIGH_PRIORITY: "https://sqs.eu-west-1.amazonaws.com/1/h" });

    expect(config.queues).toEqual(["default", "high-priority"]);
    expect(config.queueUrl("high-priority")).toBe("https://sqs.eu-west-1.amazonaws.com/1/h");
  });

  it.each([
    [{ BROKER_URL: "redis://localhost" }, (c: Config): unknown => c.queueUrl("default"), "expected an SQS queue URL"],
    [
      { RESULT_BACKEND: "redis://localhost" },
      (c: Config): unknown => c.resultTable,
      "has the value 'redis://localhost'",
    ],
    [{ TASK_SERIALIZER: "pickle" }, (c: Config): unknown => c.taskSerializer, "expected 'json'"],
    [{ BEAT: "maybe" }, (c: Config): unknown => c.beatEnabled, "'on' or 'off'"],
    [{ WORKERS: "default:50,high" }, (c: Config): unknown => c.workers, "'<queue>:<number>'"],
    [{ READ_ONLY: "yes" }, (c: Config): unknown => c.readOnly, "'on' or 'off'"],
    [{ TIMEZONE: "Mars/Olympus" }, (c: Config): unknown => c.timezone, "an IANA time zone"],
    [{ RESULT_EXPIRES: "60" }, (c: Config): unknown => c.resultExpires, "3600 to 34560000"],
    [{ RESULT_EXPIRES: "soon" }, (c: Config): unknown => c.resultExpires, "has the value 'soon'"],
    [{ MAIL_URL: "pigeon://loft" }, (c: Config): unknown => c.mailUrl, "expected 'ses:'"],
    [{ UPLOAD_MAX_BYTES: "-1" }, (c: Config): unknown => c.uploadMaxBytes, "1 to 5497558138880"],
  ])("refuses %j in one sentence", (environment, use, sentence) => {
    expect(() => use(loadConfig(environment))).toThrow(sentence);
  });

  it("does not repeat what may be a key", () => {
    expect(() => loadConfig({ API_KEY_HASHES: "my-secret-key" }).apiKeys).toThrow("(hidden)");
    expect(() => loadConfig({ API_KEY_HASHES: "my-secret-key" }).apiKeys).not.toThrow("my-secret-key");
  });
});

describe("API_KEY_HASHES", () => {
  const [first, second] = ["a".repeat(64), "b".repeat(64)];
  const keys = (text: string) => loadConfig({ API_KEY_HASHES: text }).apiKeys;

  it("holds keys with names and roles; a digest alone may everything", () => {
    expect(keys(`alice:operate:${first}, wall.screen-2:read:${second.toUpperCase()}`)).toEqual([
      { name: "alice", role: "operate", hash: first },
      { name: "wall.screen-2", role: "read", hash: second },
    ]);
    expect(keys(first)).toEqual([{ name: "key-aaaaaaaa", role: "operate", hash: first }]);
    expect(keys("none")).toBe("none");
    expect(keys(" , ")).toEqual([]);
  });

  it("may hold two keys of one name, while one is exchanged for the other", () => {
    expect(keys(`ci:submit:${first},ci:submit:${second}`)).toHaveLength(2);
  });

  it.each([
    [`alice:admin:${first}`, "a role of read, submit, operate"],
    [`:read:${first}`, "with a name of letters"],
    [`a b:read:${first}`, "with a name of letters"],
    [`alice:${first}`, "'<name>:<role>:<digest>'"],
    [`a:b:read:${first}`, "'<name>:<role>:<digest>'"],
    ["alice:read:my-secret-key", "64 hex digits each"],
    [`x:read:${first},y:operate:${first}`, "each key once"],
    [`none,${first}`, "64 hex digits each"],
  ])("refuses '%s' without repeating it", (text, expected) => {
    expect(() => keys(text)).toThrow(expected);
    expect(() => keys(text)).toThrow("(hidden)");
    expect(() => keys(text)).not.toThrow(/secret|aaaa/);
  });
});

describe("CORS_ORIGIN", () => {
  const origins = (text: string) => loadConfig({ CORS_ORIGIN: text }).corsOrigins;

  it("is a list of origins, or all, or none", () => {
    expect(origins("https://a.example, http://localhost:5173,")).toEqual([
      "https://a.example",
      "http://localhost:5173",
    ]);
    expect(origins("*")).toBe("*");
    expect(origins("")).toEqual([]);
    expect(loadConfig({}).corsOrigins).toEqual([]);
  });

  it.each([
    "https://a.example/",
    "https://a.example/path",
    "a.example",
    "https://A.example",
    "https://a.example:443",
    "https://*.example",
    "https://a.example,*",
    "ftp://a.example",
    "null",
    "https://user@a.example",
  ])("refuses '%s', which no browser would send", (text) => {
    expect(() => origins(text)).toThrow(/Configuration 'CORS_ORIGIN' has the value '.*': expected origins such as/);
  });
});
