/** Calls over HTTP: the key, JSON, problem details, and when a call is tried again. */

import { ClientError, NoAnswerError, type Problem, RefusedError } from "./errors.ts";

/** How a client reaches its service. */
export interface ClientSettings {
  /** Where the API is, such as `https://api.example.com`; a path of it is kept. */
  url: string;
  /** An API key. @defaultValue none, as a local service needs */
  key?: string | undefined;
  /** How often a call is tried again that got no answer, a status of 500 or more, or 429. @defaultValue 3 */
  retries?: number;
  /** Another `fetch`, such as one with a proxy. @defaultValue the global one */
  fetch?: (input: string, init: RequestInit) => Promise<Response>;
}

/** The parts of a transport that a test turns. */
export interface TransportParts {
  /** Resolves after so many milliseconds; rejects with the signal's reason. */
  sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** From 0 to below 1. */
  random: () => number;
}

interface CallOptions {
  /** Texts, numbers, truth values and Dates by their names; `undefined` is left out. */
  query?: object;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** Whether the call does no more when it is made twice; of another only 429 is tried again. @defaultValue true */
  repeatable?: boolean;
}

export interface Transport extends TransportParts {
  /** One request as it is: no key, no second try. */
  send(url: string, init: RequestInit): Promise<Response>;
  /**
   * Calls the service, and reads the JSON that it answers. The type is the caller's word for what the contract says of the path.
   * @throws RefusedError, NoAnswerError, or the signal's reason
   */
  call<T>(method: string, path: string, options?: CallOptions): Promise<T>;
  /** Fetches until there is an answer that is no reason to try again. @throws NoAnswerError, or the signal's reason */
  fetch(name: string, url: string, init: RequestInit, repeatable?: boolean): Promise<Response>;
}

/** One try takes no longer: a read may wait for 20 s. */
const TRY_MILLISECONDS = 35_000;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 8000;
/** A service that wants to be left alone for longer is not waited for. */
const LONGEST_RETRY_AFTER = 60_000;

export function createTransport(settings: ClientSettings, parts: TransportParts): Transport {
  const { key, retries = 3 } = settings;
  const base = settings.url.replace(/\/+$/, "");
  // Called as a function of its own: a browser's refuses another `this`.
  const send = settings.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));

  /** Milliseconds until the next try; undefined if there is to be none. */
  const pauseAfter = (tried: number, answer: Response | undefined, repeatable: boolean): number | undefined => {
    const status = answer?.status ?? 0;
    const isWorthIt = status === 429 || (repeatable && (status === 0 || status >= 500));
    if (!isWorthIt || tried > retries) return undefined;
    const asked = retryAfter(answer?.headers.get("retry-after"));
    if (asked > LONGEST_RETRY_AFTER) return undefined;
    // Many clients that were refused together come back apart.
    const usual = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tried - 1)) * (0.5 + parts.random() / 2);
    return Math.max(asked, usual);
  };

  const transport: Transport = {
    ...parts,
    send,

    async fetch(name, url, init, repeatable = true) {
      const { signal } = init;
      for (let tried = 1; ; tried++) {
        const timeout = AbortSignal.timeout(TRY_MILLISECONDS);
        let answer: Response | undefined;
        let failure: unknown;
        try {
          answer = await send(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
        } catch (error) {
          signal?.throwIfAborted();
          failure = error;
        }
        const pause = pauseAfter(tried, answer, repeatable);
        if (pause !== undefined) {
          // Its connection is free only when its body was read or given up.
          await answer?.body?.cancel();
          await parts.sleep(pause, signal ?? undefined);
        } else if (answer !== undefined) return answer;
        else throw new NoAnswerError(name, tried, failure);
      }
    },

    async call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
      const { query = {}, body, headers, signal, repeatable } = options;
      const asked = new URLSearchParams();
      for (const [field, value] of Object.entries(query)) {
        if (value !== undefined) asked.set(field, value instanceof Date ? value.toISOString() : String(value));
      }
      const url = `${base}${path}${asked.size > 0 ? `?${asked}` : ""}`;
      const init: RequestInit = {
        method,
        headers: {
          accept: "application/json",
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      };
      const name = `${method} ${path}`;
      const answer = await transport.fetch(name, url, init, repeatable);
      const text = await answer.text().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw new NoAnswerError(name, 1, error);
      });
      if (!answer.ok) throw new RefusedError(answer.status, problemOf(name, answer.status, text));
      try {
        return JSON.parse(text);
      } catch (error) {
        const sentence = `${name} was answered with what is no JSON: is ${base} the address of the API?`;
        throw new ClientError("ClientError", "ANSWER_UNKNOWN", sentence, error);
      }
    },
  };
  return transport;
}

/** Milliseconds that a `Retry-After` asks for: of seconds or a date. */
function retryAfter(text: string | null | undefined): number {
  if (!text) return 0;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return milliseconds > 0 ? milliseconds : 0;
}

/** A refusal in the service's words; one that does not come from it, but from a gateway before it, in ours. */
function problemOf(name: string, status: number, text: string): Problem {
  try {
    const problem = JSON.parse(text);
    if (typeof problem.code === "string" && typeof problem.detail === "string") return problem;
  } catch {
    // No JSON is said below.
  }
  return {
    code: "ANSWER_UNKNOWN",
    detail: `${name} was answered with ${status}, by none that speaks for the service.`,
  };
}

/** Reads all pages of a list, one after another, as its reader asks for them. */
export async function* pages<Item>(
  { call }: Transport,
  path: string,
  field: string,
  { signal, ...query }: { signal?: AbortSignal },
): AsyncGenerator<Item, void> {
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    // The type is the contract's: a list under its name, and where to go on.
    const page = await call<Record<string, Item[]> & { cursor?: string }>("GET", path, {
      query: { ...query, cursor },
      signal,
    });
    yield* page[field] ?? [];
    cursor = page.cursor;
  }
}

/** The real pause. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
