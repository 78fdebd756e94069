/** Calls of the service, over HTTP as for everybody. */

import { signal } from "@preact/signals";
import { noteDate } from "./clock.ts";
import { KEPT_KEY, serviceUrl, takeEarly } from "./early.ts";
import { readExact } from "./json.ts";

/** The API key, kept for this tab alone. */
export const key = signal(sessionStorage.getItem(KEPT_KEY) ?? "");

/** Why a key is asked for; undefined while the one at hand is good, or none is needed. */
export const keyWanted = signal<string | undefined>(undefined);

export function useKey(given: string): void {
  key.value = given;
  keyWanted.value = undefined;
  if (given === "") sessionStorage.removeItem(KEPT_KEY);
  else sessionStorage.setItem(KEPT_KEY, given);
}

/** A refusal, as the service says it. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, sentence: string) {
    super(sentence);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
  }
}

export interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** JSON text, or what becomes one. */
  body?: unknown;
  /** An entry's ETag: it is changed only if it is as it was. */
  ifMatch?: string;
  signal?: AbortSignal;
}

/**
 * Calls the service. Addresses are relative to the page, which may stand behind a prefix.
 * @throws Refusal for an answer that is no success, Error if none came
 */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  return (await callWithTag<T>(path, options)).answer;
}

/** As `call`, with the answer's ETag. */
async function callWithTag<T>(
  path: string,
  { method = "GET", body, ifMatch, signal: abort }: CallOptions = {},
): Promise<{ answer: T; etag: string | null }> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (key.value !== "") headers.Authorization = `Bearer ${key.value}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  const url = serviceUrl(path);
  const early = method === "GET" ? takeEarly(url, headers) : undefined;
  const asked =
    early ??
    fetch(url, {
      method,
      headers,
      cache: "no-store",
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(abort && { signal: abort }),
    });
  const answer = await asked;
  noteDate(answer.headers.get("date"));
  const text = await answer.text();
  if (answer.ok) return { answer: readExact<T>(text === "" ? "null" : text), etag: answer.headers.get("etag") };
  const refusal = toRefusal(answer.status, text);
  if (refusal.status === 401) keyWanted.value = refusal.message;
  throw refusal;
}

function toRefusal(status: number, text: string): Refusal {
  try {
    const { code, detail, title, message } = JSON.parse(text);
    return new Refusal(status, String(code ?? status), String(detail ?? title ?? message ?? `Answer ${status}.`));
  } catch {
    return new Refusal(status, String(status), `The service answered ${status}.`);
  }
}
