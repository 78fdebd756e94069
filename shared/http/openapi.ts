import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { STATES } from "../results/record.ts";
import type { RegisteredTask } from "../task/task.ts";

type Document = Record<string, unknown>;

/** The API's contract as OpenAPI 3.1, made from the tasks' own schemas. https://spec.openapis.org/oas/v3.1.1.html */
export function createOpenApi(tasks: readonly RegisteredTask[]): Document {
  const id = { name: "id", in: "path", required: true, schema: { type: "string", format: "uuid" } };
  const wait = {
    name: "wait",
    in: "query",
    description: "Seconds to wait for a final state.",
    schema: { type: "number", minimum: 0, maximum: 20, default: 0 },
  };
  return {
    openapi: "3.1.0",
    info: { title: "Lovage", version: "1", description: "Background tasks: send one, read its record." },
    security: [{ bearer: [] }, { apiKey: [] }],
    paths: {
      ...Object.fromEntries(tasks.map((task) => [`/tasks/${task.name}`, { post: sendOperation(task) }])),
      "/tasks": { get: listOperation(), delete: revokeManyOperation() },
      "/tasks/{id}": {
        get: operation("Read a task", [id, wait], 200, ref("Task"), [404, 422]),
        delete: operation("Revoke a task", [id], 202, ref("Accepted"), [404]),
      },
      "/tasks/{id}/replay": {
        post: {
          ...operation("Run a task again", [id], 202, ref("Accepted"), [400, 404, 422]),
          requestBody: jsonBody({ type: "object", properties: { payload: {} }, additionalProperties: false }, false),
        },
      },
      ...controlPaths(),
      "/uploads": {
        post: {
          ...operation("Ask for an upload form", [], 201, ref("Upload"), [400, 413, 415, 422]),
          requestBody: jsonBody({
            type: "object",
            required: ["filename", "contentType"],
            properties: {
              filename: { type: "string", minLength: 1, maxLength: 255 },
              contentType: { type: "string", examples: ["text/csv"] },
              size: { type: "integer", minimum: 0 },
            },
            additionalProperties: false,
          }),
        },
      },
      "/uploads/{id}": {
        get: operation("Read an upload's task and links", [id, wait], 200, ref("UploadedTask"), [404, 422]),
      },
      "/health": { get: { ...operation("Liveness", [], 200, { type: "object" }, []), security: [] } },
    },
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
      },
      schemas: schemas(),
    },
  };
}

function sendOperation(task: RegisteredTask): Document {
  const input = inputSchema(task.schema);
  const needsPayload = input === undefined || !takesNothing(input);
  return {
    ...operation(`Send ${task.name}`, [], 202, ref("Accepted"), [400, 409, 413, 415, 422, 503]),
    operationId: `send_${task.name}`,
    requestBody: jsonBody(
      object({ payload: input ?? {}, options: ref("Options") }, needsPayload ? ["payload"] : []),
      needsPayload,
    ),
  };
}

/** Whether a payload may be left out, for `{}` fits. What cannot be seen at a glance is not promised. */
function takesNothing({ type, required, ...rest }: Document): boolean {
  const hidden = ["$ref", "allOf", "anyOf", "oneOf", "not", "enum", "const", "minProperties"];
  const isObject = type === undefined || [type].flat().includes("object");
  const needsFields = Array.isArray(required) && required.length > 0;
  return isObject && !needsFields && !hidden.some((keyword) => keyword in rest);
}

/** The task's input as JSON Schema, if its library can say it (zod 4.2, valibot and arktype can). */
function inputSchema(schema: StandardSchemaV1): Document | undefined {
  const standard: StandardSchemaV1["~standard"] & Partial<StandardJSONSchemaV1["~standard"]> = schema["~standard"];
  try {
    return standard.jsonSchema?.input({ target: "draft-2020-12" });
  } catch {
    // A schema may hold what JSON Schema cannot say, such as a transform; the call is still described.
    return undefined;
  }
}

function listOperation(): Document {
  const query = (name: string, schema: Document): Document => ({ name, in: "query", schema });
  const parameters = [
    query("state", { enum: STATES }),
    query("task", { type: "string" }),
    query("from", { type: "string", format: "date-time" }),
    query("to", { type: "string", format: "date-time" }),
    query("cursor", { type: "string", format: "uuid" }),
    query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 }),
  ];
  return operation("List tasks, newest first", parameters, 200, ref("TaskPage"), [422]);
}

function revokeManyOperation(): Document {
  const query = (name: string): Document => ({ name, in: "query", schema: { type: "string" } });
  const parameters = ["tag", "task", "queue"].map(query);
  return operation("Revoke all that was sent by now, of one tag, task or queue", parameters, 202, {}, [404, 409, 422]);
}

/** What operators decide about many tasks. */
function controlPaths(): Document {
  const name = { name: "name", in: "path", required: true, schema: { type: "string" } };
  const post = (summary: string): Document => ({ post: operation(summary, [name], 202, {}, [404]) });
  const limits = object(
    { rateLimit: { type: ["string", "number", "null"] }, concurrency: { type: ["integer", "null"] } },
    [],
  );
  const redrive = object(
    {
      ...{ rate: { type: "number", exclusiveMinimum: 0, maximum: 1_000, default: 10 }, task: { type: "string" } },
      ...{ from: { type: "string", format: "date-time" }, to: { type: "string", format: "date-time" } },
      ...{ limit: { type: "integer", minimum: 1, maximum: 1_000, default: 100 }, cursor: { type: "string" } },
    },
    [],
  );
  return {
    "/tasks/{name}/pause": post("Pause a task"),
    "/tasks/{name}/resume": post("Resume a task"),
    "/tasks/{name}/limits": {
      put: {
        ...operation("Change a task's limits", [name], 202, {}, [400, 404, 415, 422]),
        requestBody: jsonBody(limits),
      },
      delete: operation("Give a task the limits of its code", [name], 202, {}, []),
    },
    "/queues": { get: operation("Depth of every queue", [], 200, { type: "object" }, []) },
    "/queues/{name}/pause": post("Pause a queue"),
    "/queues/{name}/resume": post("Resume a queue"),
    "/queues/{name}/purge": post("Revoke everything that was sent to a queue by now"),
    "/queues/{name}/redrive": {
      post: {
        ...operation("Replay a queue's failures at a rate", [name], 202, {}, [400, 404, 415, 422]),
        requestBody: jsonBody(redrive, false),
      },
    },
    "/control": {
      get: operation(
        "Pauses, revokes and limits that are in force",
        [
          { name: "cursor", in: "query", schema: { type: "string" } },
          { name: "limit", in: "query", schema: { type: "integer", minimum: 1, maximum: 1_000, default: 1_000 } },
        ],
        200,
        { type: "object" },
        [422],
      ),
      delete: operation(
        "Drop revokes: what they had revoked and still waits may run",
        ["tag", "task", "queue", "before"].map((one) => ({ name: one, in: "query", schema: { type: "string" } })),
        202,
        { type: "object" },
        [422],
      ),
    },
  };
}

function object(properties: Document, required: readonly string[]): Document {
  return { type: "object", properties, ...(required.length > 0 && { required }), additionalProperties: false };
}

function operation(
  summary: string,
  parameters: Document[],
  status: number,
  schema: Document,
  problems: number[],
): Document {
  const answers = [...problems, 401].map((code) => [
    code,
    { description: "Problem details", content: { "application/problem+json": { schema: ref("Problem") } } },
  ]);
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    responses: {
      [status]: { description: "Done", content: { "application/json": { schema } } },
      ...Object.fromEntries(answers),
    },
  };
}

function jsonBody(schema: Document, required = true): Document {
  return { required, content: { "application/json": { schema } } };
}

function ref(name: string): Document {
  return { $ref: `#/components/schemas/${name}` };
}

function schemas(): Document {
  const time = { type: "string", format: "date-time" };
  const uuid = { type: "string", format: "uuid" };
  const state = { enum: STATES };
  const key = { type: "string", minLength: 1, maxLength: 256 };
  const seconds = { type: "number", minimum: 1, maximum: 34_560_000 };
  const timeLimit = { type: "number", exclusiveMinimum: 0, maximum: 900 };
  const size = object({ sizeBytes: { type: "integer" }, url: { type: "string" } }, ["sizeBytes"]);
  const task = {
    type: "object",
    required: ["id", "task", "state", "queue", "attempt", "payload", "createdAt", "rootId"],
    properties: {
      ...{
        id: uuid,
        task: { type: "string" },
        state,
        queue: { type: "string" },
        attempt: { type: "integer", minimum: 1 },
      },
      ...{ payload: {}, result: {}, progress: {}, error: ref("Error") },
      ...{ createdAt: time, startedAt: time, finishedAt: time, eta: time, expires: time },
      ...{ rootId: uuid, parentId: uuid, groupId: uuid, replayOf: uuid, revokeRequestedAt: time },
      ...{ messageGroupId: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
      headers: { type: "object", additionalProperties: { type: "string" } },
      large: { ...object({ payload: size, result: size, error: size }, []), description: "Values kept in S3." },
    },
  };
  return {
    Task: task,
    TaskPage: {
      type: "object",
      required: ["tasks"],
      properties: { tasks: { type: "array", items: ref("Task") }, cursor: uuid },
    },
    UploadedTask: {
      ...task,
      properties: { ...task.properties, links: { type: "object", additionalProperties: { type: "string" } } },
    },
    Accepted: {
      type: "object",
      required: ["id", "task", "state"],
      properties: { id: uuid, task: { type: "string" }, state, replayOf: uuid },
    },
    Upload: {
      type: "object",
      required: ["id", "upload", "expiresAt"],
      properties: {
        id: uuid,
        upload: {
          type: "object",
          description: "Send `fields` and then the file, as the field `file`, in multipart/form-data to `url`.",
          properties: { method: { const: "POST" }, url: { type: "string" }, fields: { type: "object" } },
        },
        expiresAt: time,
      },
    },
    Options: {
      type: "object",
      properties: {
        countdown: { type: "number", minimum: 0, maximum: 34_560_000 },
        eta: time,
        expires: { oneOf: [{ type: "number", exclusiveMinimum: 0 }, time] },
        queue: { type: "string" },
        ...{ idempotencyKey: key, idempotencyExpires: { type: "number", minimum: 1, maximum: 34_560_000 } },
        debounce: object({ key, wait: seconds, maxWait: seconds }, ["key", "wait"]),
        throttle: object({ key, period: seconds }, ["key", "period"]),
        tags: { type: "array", maxItems: 10, items: { type: "string", minLength: 1, maxLength: 128 } },
        headers: { type: "object", additionalProperties: { type: "string" } },
        messageGroupId: { type: "string", minLength: 1, maxLength: 128 },
        ...{ timeLimit, softTimeLimit: timeLimit, ignoreResult: { type: "boolean" } },
      },
      additionalProperties: false,
    },
    Error: {
      type: "object",
      required: ["name", "message"],
      properties: {
        name: { type: "string" },
        message: { type: "string" },
        stack: { type: "string" },
        code: { type: "string" },
        cause: { ...ref("Error"), description: "Why it came to this error; without a stack." },
        errors: { type: "array", maxItems: 10, items: ref("Error"), description: "What an AggregateError holds." },
        moreErrors: { type: "integer", minimum: 1, description: "How many more it holds." },
      },
    },
    Problem: {
      type: "object",
      required: ["title", "status", "detail", "code"],
      properties: {
        ...{
          type: { type: "string" },
          title: { type: "string" },
          status: { type: "integer" },
          detail: { type: "string" },
        },
        ...{ code: { type: "string" }, id: uuid, issues: { type: "array", maxItems: 20, items: { type: "object" } } },
      },
    },
  };
}
