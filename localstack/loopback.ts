/**
 * Who may speak to the local cloud: programs on this machine, and web pages served by it.
 *
 * Listening on 127.0.0.1 keeps other machines out, but not other web sites: any page in a local browser can send requests
 * here, and by DNS rebinding even read the answers, under a host name of its own. Both show in Host and Origin.
 */
import type { IncomingHttpHeaders } from "node:http";

const LOOPBACK_HOSTS = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** One sentence that says why a request with these headers is refused, or undefined if it is welcome. */
export function refuseForeign(headers: IncomingHttpHeaders): string | undefined {
  const { host, origin } = headers;
  if (host === undefined || !isLoopback(`http://${host}`)) {
    return `Host '${host ?? ""}' was refused: expected 127.0.0.1, localhost or [::1]. The local cloud answers this machine only; S3 buckets are addressed by path.`;
  }
  if (origin !== undefined && !isLoopback(origin)) {
    return `Origin '${origin}' was refused: expected a page served from 127.0.0.1, localhost or [::1].`;
  }
  return undefined;
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && LOOPBACK_HOSTS.has(new URL(url).hostname);
}
