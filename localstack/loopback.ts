/**
 * The guard of every port that listens here. It lets in programs on this machine, web pages served by it, and pages that `CORS_ORIGIN` names.
 *
 * Listening on 127.0.0.1 keeps other machines out, but not other web sites: any page in a local browser can send requests here,
 * and by DNS rebinding even read the answers, under a host name of its own. Both show in headers that no page can forge. Requests
 * that a page may send to any site without asking first ("simple" ones: https://fetch.spec.whatwg.org/#cors-safelisted-request-header)
 * are told by their content type.
 */
import { EventEmitter } from "node:events";
import { Server as HttpServer, type IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Server as HttpsServer } from "node:https";
import { Duplex } from "node:stream";

/** Callers that a port lets in besides this machine. */
export interface Door {
  /** Origins of pages, such as `https://app.example.com`. */
  origins: readonly string[];
  /** Whether what an HTML form can send is let in. S3 takes forms, and stores objects of every type. */
  takesForms: boolean;
}

export interface Refusal {
  status: 403 | 415;
  code: "FORBIDDEN" | "CONTENT_TYPE_UNSUPPORTED";
  /** One sentence. */
  detail: string;
}

export interface GuardedRequest {
  socket?: { remoteAddress?: string | undefined };
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}

const LOOPBACK_HOSTS = new Set(["127.0.0.1", "localhost", "[::1]"]);
/** The usual ones, known without being parsed. */
const LOOPBACK_URL = /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,4}|:[1-5]\d{4})?$/;
const LOOPBACK_ADDRESS = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_NAMES = "127.0.0.1, localhost or [::1]";
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const FORM_TYPES = new Set(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]);
/** Of a header that a refusal repeats. */
const MAX_ECHO_CHARS = 100;

/** The origins that a setting names, with commas between them. `*` names nobody. */
export function namedOrigins(setting: string | undefined): string[] {
  return (setting ?? "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "" && origin !== "*");
}

/** Why a request is refused, or undefined if it is welcome. */
export function refuseForeign({ socket, method, url, headers }: GuardedRequest, door: Door): Refusal | undefined {
  const { host, origin } = headers;
  // Absent for what is no TCP. A port may be open to others after all: `serverless offline --host 0.0.0.0`.
  if (socket?.remoteAddress !== undefined && !LOOPBACK_ADDRESS.test(socket.remoteAddress)) {
    return forbidden(`Address '${socket.remoteAddress}' was refused: the local cloud answers this machine only.`);
  }
  // A request to a proxy names its host in the URL, too.
  const named = /^[a-z][a-z0-9+.-]*:/i.test(url ?? "") ? url : undefined;
  if (host === undefined || !isLoopback(`http://${host}`) || (named !== undefined && !isLoopback(named))) {
    return forbidden(`Host '${cut(named ?? host ?? "")}' was refused: expected ${LOOPBACK_NAMES}. ${WHO}`);
  }
  const isOwnPage = origin !== undefined && (isLoopback(origin) || door.origins.includes(origin));
  if (origin !== undefined && !isOwnPage) {
    return forbidden(
      `Origin '${cut(origin)}' was refused: expected a page served from ${LOOPBACK_NAMES}, or one that CORS_ORIGIN names.`,
    );
  }
  if (SAFE_METHODS.has(method ?? "")) return undefined;
  if (headers["sec-fetch-site"] === "cross-site" && !isOwnPage) {
    return forbidden(`A request of another site's page was refused: expected a page served from ${LOOPBACK_NAMES}.`);
  }
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!door.takesForms && FORM_TYPES.has(type)) {
    const detail = `Content type '${type}' was refused, for any web page may send it: expected 'application/json'. Add the header 'Content-Type: application/json'.`;
    return { status: 415, code: "CONTENT_TYPE_UNSUPPORTED", detail };
  }
  return undefined;
}

/** Puts the guard before one server, in the place of the one that stands before all. */
export function guardServer(server: HttpServer, door: Door): void {
  intercept(server, door);
}

/**
 * Puts the guard before every HTTP server of this process, whoever made it and whenever: a server tells of a request, an upgrade or
 * a CONNECT by an event, and no listener hears of one that is refused.
 * @returns takes it away again
 */
export function guardEveryServer(door: Door): () => void {
  const prototypes = [HttpServer.prototype, HttpsServer.prototype];
  for (const prototype of prototypes) intercept(prototype, door);
  return () => {
    for (const prototype of prototypes) Reflect.deleteProperty(prototype, "emit");
  };
}

function intercept(target: EventEmitter, door: Door): void {
  Object.defineProperty(target, "emit", {
    configurable: true,
    writable: true,
    value: function emit(this: EventEmitter, event: string | symbol, ...parts: unknown[]): boolean {
      const [request, reply] = parts;
      // Every event that brings a request brings it first, and then what answers it.
      const refusal = request instanceof IncomingMessage ? refuseForeign(request, door) : undefined;
      if (refusal === undefined) return EventEmitter.prototype.emit.call(this, event, ...parts);
      if (request instanceof IncomingMessage) request.resume();
      answer(reply, refusal, door.takesForms);
      return true;
    },
  });
}

/** As problem details, or for those who take forms, which are SDKs, as plain text. */
function answer(reply: unknown, { status, code, detail }: Refusal, asText: boolean): void {
  const title = code.charAt(0) + code.slice(1).toLowerCase().replaceAll("_", " ");
  const body = asText ? `${detail}\n` : JSON.stringify({ type: "about:blank", title, status, detail, code });
  const type = asText ? "text/plain; charset=utf-8" : "application/problem+json";
  if (reply instanceof ServerResponse) {
    reply.writeHead(status, { "content-type": type, connection: "close" }).end(body);
  } else if (reply instanceof Duplex) {
    const reason = status === 403 ? "Forbidden" : "Unsupported Media Type";
    const head = [`HTTP/1.1 ${status} ${reason}`, `Content-Type: ${type}`, "Connection: close"];
    reply.end(`${head.join("\r\n")}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }
}

const WHO = "The local cloud answers this machine only; S3 buckets are addressed by path.";

function forbidden(detail: string): Refusal {
  return { status: 403, code: "FORBIDDEN", detail };
}

function cut(text: string): string {
  return text.length > MAX_ECHO_CHARS ? `${text.slice(0, MAX_ECHO_CHARS)}…` : text;
}

function isLoopback(url: string): boolean {
  if (LOOPBACK_URL.test(url)) return true;
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (protocol === "http:" || protocol === "https:") && LOOPBACK_HOSTS.has(hostname);
}
