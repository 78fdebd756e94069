import { ROLES, type Role } from "../api-keys.ts";
import { inputSchemaOf, outputSchemaOf } from "../task/json-schema.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Call } from "./call.ts";
import { CALLS } from "./calls.ts";
import { routeOf } from "./routes.ts";
import { type Document, text } from "./schema-parts.ts";
import { ref, schemas, sendBody } from "./schemas.ts";

/**
 * The API's contract as OpenAPI 3.1, made from the tasks' own schemas. https://spec.openapis.org/oas/v3.1.1.html
 * @param origin where the API was asked for it, such as `https://api.example.com`
 */
export function createOpenApi(tasks: readonly RegisteredTask[], origin: string): Document {
  const payloads = new Map(tasks.map((task) => [task, inputSchema(task)]));
  const results = new Map(tasks.map((task) => [task, resultSchema(task)]));
  const { sendTask, ...others } = CALLS;
  const sends = tasks.map(
    (task) =>
      [
        `send_${task.name}`,
        sendCall(sendTask, task, { payload: payloads.get(task), result: results.get(task) }),
      ] as const,
  );
  // The body of a task whose payload is not known is that of no call in the document.
  const { Send, ...named } = schemas;
  const paths: Record<string, Document> = {};
  for (const [id, call] of [...sends, ...Object.entries<Call>(others)]) {
    const { method, path } = routeOf(call);
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(id, call) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Lovage", version: "1", description: "Background tasks: send one, read its record." },
    servers: [{ url: origin }],
    security: [{ bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" },
      },
      schemas: {
        ...named,
        ...Object.fromEntries(tasks.map((task) => [payloadName(task), payloads.get(task) ?? UNSAID])),
        ...Object.fromEntries([...results].flatMap(([task, said]) => (said ? [[resultName(task), said]] : []))),
      },
    },
  };
}

/** The call that sends this task: with its own path and payload, and without a name that may be unknown. */
function sendCall(
  { parameters, refusals, ...call }: typeof CALLS.sendTask,
  task: RegisteredTask,
  { payload, result }: { payload: Document | undefined; result: Document | undefined },
): Call {
  const isNeeded = payload === undefined || !takesNothing(payload);
  const versions = { oldest: task.oldestVersion, newest: task.payloadVersion };
  const schema = sendBody({ $ref: `#/components/schemas/${payloadName(task)}` }, isNeeded, versions);
  return {
    ...call,
    route: `POST /tasks/${task.name}`,
    summary: `Send ${task.name}`,
    body: { schema, required: isNeeded },
    ...(result && { result: { $ref: `#/components/schemas/${resultName(task)}` } }),
    refusals: refusals.filter((status) => status !== 404),
  };
}

/** Whether a payload may be left out, for `{}` fits. A schema that does not show it at a glance counts as one that needs a payload. */
function takesNothing({ type, required, ...rest }: Document): boolean {
  const hidden = ["$ref", "allOf", "anyOf", "oneOf", "not", "enum", "const", "minProperties"];
  const isObject = type === undefined || [type].flat().includes("object");
  const needsFields = Array.isArray(required) && required.length > 0;
  return isObject && !needsFields && !hidden.some((keyword) => keyword in rest);
}

/** The task's input as JSON Schema, if its schema can say it. */
function inputSchema(task: RegisteredTask): Document | undefined {
  const schema = inputSchemaOf(task.schema);
  return schema && relocated(schema, `#/components/schemas/${payloadName(task)}`);
}

const UNSAID: Document = { description: "The task's schema checks it, but does not describe it as JSON Schema." };

/** The task's result as JSON Schema, if it has a schema that can say it. */
function resultSchema(task: RegisteredTask): Document | undefined {
  const schema = task.resultSchema && outputSchemaOf(task.resultSchema);
  return schema && relocated(schema, `#/components/schemas/${resultName(task)}`);
}

function resultName({ name }: RegisteredTask): string {
  return `result_${name}`;
}

function payloadName({ name }: RegisteredTask): string {
  return `payload_${name}`;
}

/** A copy of a schema that refers to its own parts by their place in the document. */
function relocated(schema: Document, place: string): Document {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) =>
    key === "$ref" && typeof value === "string" && value.startsWith("#") ? place + value.slice(1) : value,
  );
}

function operation(id: string, call: Call): Document {
  const {
    summary,
    parameters = [],
    body,
    status,
    answer,
    answerType = "application/json",
    location,
    otherTypes,
    refusals = [],
    open,
  } = call;
  const roles = open ? [] : call.function === "read" ? [401] : [401, 403];
  const audited = call.function === "operate" && !refusals.includes(503) ? [503] : [];
  const problems = [...refusals, ...roles, ...audited, 500].map((code) => [
    code,
    {
      description: REFUSALS[code],
      ...(code === 503 && { headers: { "Retry-After": { schema: text } } }),
      content: { "application/problem+json": { schema: ref("Problem") } },
    },
  ]);
  return {
    operationId: id,
    summary,
    ...(!open && { description: `For keys with the role ${rolesFrom(call.function).join(", ")}.` }),
    ...(parameters.length > 0 && { parameters }),
    ...(open && { security: [] }),
    ...(body && { requestBody: { required: body.required, content: { "application/json": { schema: body.schema } } } }),
    // OpenAPI has no word for it.
    ...(call.result && { "x-result": call.result }),
    responses: {
      [status]: {
        description: status === 200 ? "As it is" : "Accepted",
        ...(location && { headers: { Location: { schema: text, description: "Where it can be read." } } }),
        content: {
          [answerType]: { schema: answer },
          ...Object.fromEntries((otherTypes ?? []).map((type) => [type, { schema: { type: "string" } }])),
        },
      },
      ...Object.fromEntries(problems),
    },
  };
}

/** A role, and those that include it. */
function rolesFrom(role: Role): readonly Role[] {
  return ROLES.slice(ROLES.indexOf(role));
}

const REFUSALS: Readonly<Record<number, string>> = {
  400: "The body is no JSON object of these fields",
  401: "No key, or none that is known",
  403: "The key's role is too small, or the stage is read-only",
  404: "There is no such task, queue, schedule, workflow or upload",
  412: "It was changed since it was read",
  409: "What was there before is in the way: another payload under the key, a task that has not ended, a file that has come or is not whole, too many revokes",
  410: "A large payload, or the parts of a file, are kept no longer",
  413: "The body, or the payload, is too large",
  415: "The body is not said to be JSON",
  422: "A value is not what is accepted",
  500: "The service's own fault, which its log explains",
  503: "The queue or the store did not answer",
};
