import { createServer, request, type Server } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Door,
  type GuardedRequest,
  guardEveryServer,
  guardServer,
  namedOrigins,
  refuseForeign,
} from "../../../localstack/loopback.ts";

const strict: Door = { origins: ["https://app.example"], takesForms: false };
const forms: Door = { ...strict, takesForms: true };
const status = (headers: GuardedRequest["headers"], more: Partial<GuardedRequest> = {}, door = strict): number =>
  refuseForeign({ method: "POST", url: "/", ...more, headers: { host: "127.0.0.1:3000", ...headers } }, door)?.status ??
  200;

describe("the guard", () => {
  it.each([
    ["127.0.0.1", 200],
    ["localhost:3000", 200],
    ["LOCALHOST", 200],
    ["[::1]:4566", 200],
    ["evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["localhost.evil.example:80", 403],
    ["127.0.0.1@evil.example", 403],
    ["bucket.localhost", 403],
    ["0.0.0.0:3000", 403],
    ["", 403],
    ["@", 403],
  ])("answers Host '%s' with %i, also for reading", (host, expected) => {
    expect([status({ host }), status({ host }, { method: "GET" })]).toEqual([expected, expected]);
  });

  it.each([
    ["http://localhost:5173", 200],
    ["https://[::1]", 200],
    ["https://app.example", 200],
    ["https://app.example:8443", 403],
    ["http://app.example", 403],
    ["https://evil.example", 403],
    ["chrome-extension://localhost", 403],
    ["null", 403],
    ["file://", 403],
    ["", 403],
  ])("answers Origin '%s' with %i, also for reading and asking", (origin, expected) => {
    for (const method of ["GET", "OPTIONS", "POST"]) expect(status({ origin }, { method })).toBe(expected);
  });

  it("refuses a URL of another host, and an address of another machine", () => {
    expect(status({}, { url: "http://evil.example/tasks" })).toBe(403);
    expect(status({}, { url: "http://127.0.0.1:3000/tasks" })).toBe(200);
    const from = (remoteAddress: string | undefined) => status({}, { socket: { remoteAddress } });
    expect(["10.0.0.5", "::ffff:10.0.0.5", "fe80::1", "127.evil"].map(from)).toEqual([403, 403, 403, 403]);
    expect(["127.0.0.1", "::1", "::ffff:127.0.0.1", undefined].map(from)).toEqual([200, 200, 200, 200]);
  });

  it("refuses what changes something and comes from another site's page, and lets in what only reads", () => {
    const headers = { "sec-fetch-site": "cross-site" };
    expect([status(headers), status(headers, { method: "GET" })]).toEqual([403, 200]);
    expect(status({ ...headers, origin: "https://app.example" })).toBe(200);
    expect(status({ "sec-fetch-site": "same-site" })).toBe(200);
  });

  it.each([
    "text/plain",
    "Text/Plain; charset=x",
    "application/x-www-form-urlencoded",
    " multipart/form-data; boundary=x",
  ])("refuses type '%s' where no form is expected", (type) => {
    const headers = { "content-type": type };
    expect([status(headers), status(headers, { method: "GET" }), status(headers, {}, forms)]).toEqual([415, 200, 200]);
  });

  it("does not repeat a long header whole", () => {
    expect(refuseForeign({ headers: { host: "x".repeat(10_000) } }, strict)?.detail.length).toBeLessThan(300);
  });

  it("knows origins by name only", () => {
    expect(namedOrigins(" https://a.example ,*,, https://b.example")).toEqual([
      "https://a.example",
      "https://b.example",
    ]);
    expect(namedOrigins(undefined)).toEqual([]);
  });
});

describe("the guard of every server", () => {
  const servers: Server[] = [];
  let release = (): void => {};
  afterEach(async () => {
    release();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    return typeof address === "object" && address ? address.port : 0;
  };
  /** The status line that answers raw bytes. */
  const raw = (port: number, text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      socket.once("data", (chunk) => {
        socket.destroy();
        resolve(String(chunk).split("\r\n")[0] ?? "");
      });
      socket.once("error", reject);
    });

  it("stands before any event that brings a request, of servers made before it and after it", async () => {
    const seen: string[] = [];
    const make = (): Server => {
      const server = createServer((_, response) => {
        seen.push("request");
        response.end();
      });
      server.on("checkContinue", (_, response) => {
        seen.push("checkContinue");
        response.end();
      });
      for (const event of ["upgrade", "connect"]) {
        server.on(event, (_, socket) => {
          seen.push(event);
          socket.end("HTTP/1.1 101 Fine\r\n\r\n");
        });
      }
      return server;
    };
    const before = make();
    release = guardEveryServer(strict);
    for (const server of [before, make()]) {
      const port = await listen(server);
      const requests = (host: string): string[] => [
        `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      ];
      for (const text of requests("evil.example")) expect(await raw(port, text)).toBe("HTTP/1.1 403 Forbidden");
      expect(seen.splice(0)).toEqual([]);
      for (const text of requests("127.0.0.1")) expect(await raw(port, text)).not.toContain("403");
      expect(seen.splice(0).length).toBe(3);
    }
    const port = await listen(make());
    expect(await raw(port, "CONNECT evil.example:80 HTTP/1.1\r\nHost: evil.example\r\n\r\n")).toBe(
      "HTTP/1.1 403 Forbidden",
    );
    expect(seen).toEqual([]);
  });

  it("gives way to a server's own", async () => {
    release = guardEveryServer(strict);
    const server = createServer((_, response) => response.end("fine"));
    guardServer(server, forms);
    const port = await listen(server);
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ port, host: "127.0.0.1", method: "POST", headers: { "content-type": "text/plain" } });
      sent.on("response", ({ statusCode }) => resolve(statusCode));
      sent.on("error", reject);
      sent.end("a form");
    });

    expect(answer).toBe(200);
  });
});
