import { randomUUID } from "node:crypto";
import type { LambdaEvent } from "hono/aws-lambda";

/** API Gateway's event for a function, in payload format 2.0. */
export function apiEvent(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
): LambdaEvent {
  const [rawPath = path, rawQueryString = ""] = path.split("?");
  const host = headers.host ?? "abc.execute-api.eu-west-1.amazonaws.com";
  const http = { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "test" };
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: { host, ...headers },
    body: body ?? null,
    isBase64Encoded: false,
    requestContext: {
      accountId: "1",
      apiId: "abc",
      domainName: host,
      domainPrefix: "abc",
      stage: "$default",
      http,
      authentication: null,
      authorizer: {},
      requestId: randomUUID(),
      routeKey: "$default",
      time: "12/Mar/2026:19:03:58 +0000",
      timeEpoch: 1_773_342_238_000,
    },
  };
}

/** A function's answer to API Gateway. */
export interface ApiAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** @throws Error if a function's answer is none that API Gateway would take */
export function toApiAnswer(value: unknown): ApiAnswer {
  if (typeof value !== "object" || value === null || !("statusCode" in value)) throw new Error("This is no answer.");
  const headers = "headers" in value && typeof value.headers === "object" ? value.headers : {};
  const texts = Object.entries(headers ?? {}).map(([name, text]) => [name.toLowerCase(), String(text)] as const);
  return {
    status: Number(value.statusCode),
    headers: Object.fromEntries(texts),
    body: "body" in value ? String(value.body) : "",
  };
}
