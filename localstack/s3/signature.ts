/**
 * Signature Version 4, as S3 checks it: in the Authorization header, in the query of a presigned URL, or over the policy of
 * a presigned POST.
 *
 * A secret is known for two kinds of access keys: those that were given to `createKeyring`, and those whose secret equals
 * the key's own id (`test`/`test`). https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 */
import { createHash, createHmac } from "node:crypto";
import { S3Error } from "./error.ts";
import type { S3Request } from "./request.ts";

export type Keyring = ReadonlyMap<string, string>;

/** The credential that a signature is made with: `key-id/20261122/us-east-1/s3/aws4_request`. */
export interface Scope {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const MAX_SKEW_MILLISECONDS = 15 * 60 * 1000;
const MAX_EXPIRES_SECONDS = 7 * 86_400;

/** The access keys in this process's environment, so that the functions it starts can sign with them. */
export function createKeyring(environment: NodeJS.ProcessEnv): Keyring {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = environment;
  return new Map(id === undefined || secret === undefined ? [] : [[id, secret]]);
}

/** @throws S3Error if the request is not signed, or wrongly, too early or too late */
export function requireSignature(request: S3Request, keyring: Keyring, now: number): void {
  const { authorization } = request.headers;
  if (authorization !== undefined && request.query.has("X-Amz-Algorithm")) {
    throw new S3Error(
      "InvalidArgument",
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
      { ArgumentName: "Authorization", ArgumentValue: authorization },
    );
  }
  if (authorization !== undefined) {
    requireHeaderSignature(request, authorization, keyring, now);
  } else if (request.query.has("X-Amz-Algorithm") || request.query.has("X-Amz-Signature")) {
    requireQuerySignature(request, keyring, now);
  } else {
    throw new S3Error("AccessDenied", "Anonymous access is forbidden for this operation");
  }
}

/** @throws S3Error SignatureDoesNotMatch */
export function requireSigned(text: string, scope: Scope, signature: string, keyring: Keyring): void {
  const secret = keyring.get(scope.accessKeyId) ?? scope.accessKeyId;
  if (sign(text, scope, secret) !== signature) {
    throw new S3Error(
      "SignatureDoesNotMatch",
      `The request signature we calculated does not match the signature you provided. The local S3 knows the secrets of the access key in its environment, and of keys whose secret equals their id (test/test).`,
      { AWSAccessKeyId: scope.accessKeyId, StringToSign: text },
    );
  }
}

/** The region that a request is signed for; undefined without a signature. */
export function signedRegion({ headers, query }: S3Request): string | undefined {
  const inHeader = /Credential=([^,\s]+)/.exec(headers.authorization ?? "")?.[1];
  return (inHeader ?? query.get("X-Amz-Credential"))?.split("/")[2];
}

/** @throws S3Error if it is not the credential scope of a version 4 signature */
export function parseScope(credential: string): Scope {
  const [accessKeyId = "", date = "", region = "", service = "", end = ""] = credential.split("/");
  if (accessKeyId === "" || !/^\d{8}$/.test(date) || service !== "s3" || end !== "aws4_request") {
    throw new S3Error("AuthorizationHeaderMalformed", `Credential '${credential}' is malformed.`);
  }
  return { accessKeyId, date, region, service };
}

/** `20261122T080000Z` as milliseconds, NaN if it is not such a date. */
function parseAmzDate(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  return parts === null
    ? Number.NaN
    : Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`);
}

function requireHeaderSignature(request: S3Request, authorization: string, keyring: Keyring, now: number): void {
  const fields = new Map<string, string>();
  const [algorithm = "", ...rest] = authorization.split(/[ ,]+/);
  for (const field of rest) fields.set(field.slice(0, field.indexOf("=")), field.slice(field.indexOf("=") + 1));
  if (algorithm !== ALGORITHM) {
    throw new S3Error("InvalidRequest", `Please use ${ALGORITHM}: '${algorithm}' is not supported.`);
  }
  const date = request.headers["x-amz-date"] ?? "";
  const hash = request.headers["x-amz-content-sha256"];
  if (hash === undefined) {
    throw new S3Error("MissingSecurityHeader", "Missing required header for this request: x-amz-content-sha256");
  }
  if (!(Math.abs(parseAmzDate(date) - now) <= MAX_SKEW_MILLISECONDS)) {
    throw new S3Error(
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
    );
  }
  const scope = parseScope(fields.get("Credential") ?? "");
  const names = (fields.get("SignedHeaders") ?? "").split(";");
  requireCanonicalSigned(request, { date, scope, names, hash, signature: fields.get("Signature") ?? "", keyring });
}

function requireQuerySignature(request: S3Request, keyring: Keyring, now: number): void {
  const { query } = request;
  const date = query.get("X-Amz-Date") ?? "";
  const expires = Number(query.get("X-Amz-Expires") ?? Number.NaN);
  const signedAt = parseAmzDate(date);
  const isComplete =
    query.get("X-Amz-Algorithm") === ALGORITHM && !Number.isNaN(signedAt) && query.has("X-Amz-Expires");
  const fault = isComplete ? faultOf(expires) : INCOMPLETE;
  if (fault !== undefined) throw new S3Error("AuthorizationQueryParametersError", fault);
  const scope = parseScope(query.get("X-Amz-Credential") ?? "");
  const names = (query.get("X-Amz-SignedHeaders") ?? "").split(";");
  const hash = request.headers["x-amz-content-sha256"] ?? "UNSIGNED-PAYLOAD";
  const signature = query.get("X-Amz-Signature") ?? "";
  requireCanonicalSigned(request, { date, scope, names, hash, signature, keyring });
  if (now > signedAt + expires * 1000) {
    const expiredAt = new Date(signedAt + expires * 1000).toISOString();
    throw new S3Error("AccessDenied", "Request has expired", { "X-Amz-Expires": `${expires}`, Expires: expiredAt });
  }
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith("x-amz-") && !names.includes(name) && !hasIgnoringCase(query, name),
  );
  if (unsigned.length > 0) {
    throw new S3Error("AccessDenied", "There were headers present in the request which were not signed", {
      HeadersNotSigned: unsigned.join(", "),
    });
  }
}

const INCOMPLETE =
  "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";

function faultOf(expires: number): string | undefined {
  if (Number.isNaN(expires)) return "X-Amz-Expires should be a number";
  if (expires < 0) return "X-Amz-Expires must be non-negative";
  if (expires <= MAX_EXPIRES_SECONDS) return undefined;
  return `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES_SECONDS} seconds`;
}

interface Canonical {
  readonly date: string;
  readonly scope: Scope;
  readonly names: readonly string[];
  readonly hash: string;
  readonly signature: string;
  readonly keyring: Keyring;
}

function requireCanonicalSigned(request: S3Request, { date, scope, names, hash, signature, keyring }: Canonical): void {
  const headers = names.map((name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`);
  const canonical = [
    request.method,
    request.rawPath,
    canonicalQuery(request.rawQuery),
    headers.join(""),
    names.join(";"),
    hash,
  ].join("\n");
  const digest = createHash("sha256").update(canonical).digest("hex");
  const text = `${ALGORITHM}\n${date}\n${scope.date}/${scope.region}/${scope.service}/aws4_request\n${digest}`;
  requireSigned(text, scope, signature, keyring);
}

function canonicalQuery(rawQuery: string): string {
  return rawQuery
    .split("&")
    .filter((pair) => pair !== "" && !pair.startsWith("X-Amz-Signature="))
    .map((pair) => {
      const [, name = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
      return [recode(name), recode(value)] as const;
    })
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** However a client escaped it, AWS escapes everything but letters, digits and -._~ */
function recode(text: string): string {
  let plain = text;
  try {
    plain = decodeURIComponent(text.replaceAll("+", "%20"));
  } catch {
    // Not well-formed: signed as it is, if it was signed at all.
  }
  return encodeURIComponent(plain).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sign(text: string, { date, region, service }: Scope, secret: string): string {
  const key = [date, region, service, "aws4_request"].reduce(
    (parent, part) => createHmac("sha256", parent).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
  return createHmac("sha256", key).update(text).digest("hex");
}

function compare(text: string, other: string): number {
  return text === other ? 0 : text < other ? -1 : 1;
}

function hasIgnoringCase(query: URLSearchParams, name: string): boolean {
  return [...query.keys()].some((key) => key.toLowerCase() === name);
}
