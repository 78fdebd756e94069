import { Ajv2020, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import * as z from "zod";

/** Holds answers against an OpenAPI document, more strictly than it says: a field that it does not name is an error. */
export interface Contract {
  /** Each operation and status of the document, as `GET /tasks/{id} 200`. */
  readonly declared: ReadonlySet<string>;
  /** Those that were met. */
  readonly met: ReadonlySet<string>;
  /** @throws Error that says what the document does not allow */
  hold(method: string, path: string, response: Response): Promise<void>;
}

const documentShape = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        responses: z.record(z.string(), z.object({ content: z.record(z.string(), z.object({ schema: z.unknown() })) })),
      }),
    ),
  ),
});

export function readContract(document: unknown): Contract {
  const { paths } = documentShape.parse(document);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed(document), "contract");
  const checks = new Map<string, { type: string; check: ValidateFunction }>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      for (const [status, { content }] of Object.entries(responses)) {
        const [type = ""] = Object.keys(content);
        const pointer = ["paths", path, method, "responses", status, "content", type, "schema"].map(escaped).join("/");
        const check = ajv.compile({ $ref: `contract#/${pointer}` });
        checks.set(`${method.toUpperCase()} ${path} ${status}`, { type, check });
      }
    }
  }
  const met = new Set<string>();
  return {
    declared: new Set(checks.keys()),
    met,
    async hold(method, path, response) {
      const template = templateOf(paths, method, path);
      const name = `${method} ${template} ${response.status}`;
      const declared = checks.get(name);
      const type = response.headers.get("content-type")?.split(";")[0];
      const body: unknown = type === "text/plain" ? await response.text() : await response.json();
      if (declared === undefined) throw new Error(`${name} is not in the contract: ${JSON.stringify(body)}`);
      if (type !== declared.type) throw new Error(`${name} has the type ${type}, not ${declared.type}.`);
      if (!declared.check(body)) {
        throw new Error(`${name}: ${ajv.errorsText(declared.check.errors)} in ${JSON.stringify(body)}`);
      }
      met.add(name);
    },
  };
}

/** `/tasks/{id}` for `/tasks/…`; the path itself if the document has it, or nothing like it. */
function templateOf(paths: z.infer<typeof documentShape>["paths"], method: string, path: string): string {
  const [pathname = ""] = path.split("?");
  const hasMethod = (template: string): boolean => paths[template]?.[method.toLowerCase()] !== undefined;
  const fits = (template: string): boolean =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname);
  if (paths[pathname] !== undefined) return pathname;
  return Object.keys(paths).find((template) => hasMethod(template) && fits(template)) ?? pathname;
}

/** A copy in which an object has no fields but those that are named. */
function closed(schema: unknown): AnySchemaObject {
  return JSON.parse(JSON.stringify(schema), (_, value: unknown) => {
    const isOpen =
      typeof value === "object" && value !== null && "properties" in value && !("additionalProperties" in value);
    return isOpen && "type" in value && value.type === "object" ? { ...value, additionalProperties: false } : value;
  });
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}
