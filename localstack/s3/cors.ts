/**
 * Cross-origin requests, as a bucket's CORS rules allow them: what lets a web page upload with a presigned URL or form.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
import { S3Error } from "./error.ts";
import type { S3Answer, S3Request } from "./request.ts";
import type { S3Store } from "./store.ts";
import { childrenOf, parseXml, textOf } from "./xml.ts";

export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds: string | undefined;
}

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html */
const MAX_RULES = 100;

/** @throws S3Error if the document is no CORS configuration */
export function parseCors(xml: string): CorsRule[] {
  const root = parseXml(xml);
  const rules = root === undefined ? [] : childrenOf(root, "CORSRule");
  if (rules.length === 0) throw S3Error.malformedXml();
  if (rules.length > MAX_RULES) {
    throw new S3Error(
      "InvalidRequest",
      `The number of CORS rules should not exceed allowed limit of ${MAX_RULES} rules.`,
    );
  }
  return rules.map((element) => {
    const texts = (name: string) => childrenOf(element, name).map((child) => child.text.trim());
    const rule = {
      origins: texts("AllowedOrigin"),
      methods: texts("AllowedMethod"),
      headers: texts("AllowedHeader").map((header) => header.toLowerCase()),
      exposed: texts("ExposeHeader"),
      maxAgeSeconds: textOf(element, "MaxAgeSeconds"),
    };
    if (rule.origins.length === 0 || rule.methods.length === 0) throw S3Error.malformedXml();
    const unsupported = rule.methods.find((method) => !METHODS.includes(method));
    if (unsupported !== undefined) {
      throw new S3Error(
        "InvalidRequest",
        `Found unsupported HTTP method in CORS config. Unsupported method is ${unsupported}`,
      );
    }
    for (const pattern of [...rule.origins, ...rule.headers]) {
      if (pattern.split("*").length > 2) {
        throw new S3Error("InvalidRequest", `AllowedOrigin "${pattern}" can not have more than one wildcard.`);
      }
    }
    return rule;
  });
}

/** The headers that let the page at `Origin` read the answer to this request; none if no rule of the bucket does. */
export function corsHeaders(request: S3Request, store: S3Store): Record<string, string> {
  const { origin } = request.headers;
  const rule = origin === undefined ? undefined : matchRule(rulesOf(request, store), origin, request.method, []);
  return rule === undefined || origin === undefined ? {} : headersOf(rule, origin);
}

/** The answer to a browser's OPTIONS request. @throws S3Error AccessDenied */
export function preflight(request: S3Request, store: S3Store): S3Answer {
  const { origin, "access-control-request-method": method, "access-control-request-headers": list } = request.headers;
  if (origin === undefined || method === undefined) {
    throw new S3Error(
      "AccessDenied",
      "Insufficient information. Origin and Access-Control-Request-Method headers needed.",
    );
  }
  const rules = rulesOf(request, store);
  if (rules.length === 0) throw new S3Error("AccessDenied", "CORSResponse: CORS is not enabled for this bucket.");
  const requested = (list ?? "")
    .split(",")
    .map((header) => header.trim().toLowerCase())
    .filter((header) => header !== "");
  const rule = matchRule(rules, origin, method, requested);
  if (rule === undefined) {
    throw new S3Error(
      "AccessDenied",
      "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    );
  }
  const allowed = requested.length === 0 ? {} : { "access-control-allow-headers": requested.join(", ") };
  return { status: 200, headers: { ...headersOf(rule, origin), ...allowed } };
}

function rulesOf({ bucket }: S3Request, store: S3Store): CorsRule[] {
  const xml = bucket === "" ? undefined : store.setting(bucket, "cors");
  return xml === undefined ? [] : parseCors(xml);
}

function matchRule(
  rules: readonly CorsRule[],
  origin: string,
  method: string,
  headers: readonly string[],
): CorsRule | undefined {
  return rules.find(
    (rule) =>
      rule.origins.some((pattern) => matches(pattern, origin)) &&
      rule.methods.includes(method) &&
      headers.every((header) => rule.headers.some((pattern) => matches(pattern, header))),
  );
}

function headersOf(rule: CorsRule, origin: string): Record<string, string> {
  const anyone = rule.origins.includes("*");
  return {
    "access-control-allow-origin": anyone ? "*" : origin,
    "access-control-allow-methods": rule.methods.join(", "),
    ...(rule.exposed.length === 0 ? {} : { "access-control-expose-headers": rule.exposed.join(", ") }),
    ...(rule.maxAgeSeconds === undefined ? {} : { "access-control-max-age": rule.maxAgeSeconds }),
    ...(anyone ? {} : { "access-control-allow-credentials": "true" }),
    vary: VARY,
  };
}

/** At most one `*` in the pattern. */
function matches(pattern: string, text: string): boolean {
  const [start = "", end] = pattern.split("*");
  return end === undefined
    ? pattern === text
    : text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}
