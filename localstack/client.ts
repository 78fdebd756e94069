import type { Json } from "../shared/index.ts";

/** The type as which an answer of the API is read; each step checks the fields that it needs. */
export type Answer = { [field: string]: Json };

/** Calls the API over HTTP, as any client would. */
export interface Client {
  post(path: string, body: Json): Promise<Answer>;
  /** Reads until the state is final. @throws Error after `timeoutSeconds` */
  waitFor(path: string, timeoutSeconds?: number): Promise<Answer>;
  upload(form: Answer, file: Uint8Array<ArrayBuffer>): Promise<void>;
}

const FINAL = ["SUCCESS", "FAILURE", "REVOKED"];

export function createClient(url: string): Client {
  const call = async (path: string, init?: RequestInit): Promise<{ status: number; body: Answer }> => {
    const answer = await fetch(url + path, init);
    return { status: answer.status, body: toAnswer(await answer.json()) };
  };

  return {
    async post(path, body) {
      const answer = await call(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (answer.status >= 300)
        throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    async waitFor(path, timeoutSeconds = 30) {
      const deadline = performance.now() + timeoutSeconds * 1000;
      let last: Answer = {};
      while (performance.now() < deadline) {
        const { status, body } = await call(`${path}?wait=10`);
        // A message that cannot be read has no record before a worker has seen it.
        if (status === 200 && FINAL.includes(String(body.state))) return body;
        if (status !== 200 && status !== 404)
          throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
        if (status === 404) await new Promise((resolve) => setTimeout(resolve, 50));
        last = body;
      }
      throw new Error(`${path} was not finished within ${timeoutSeconds} s: ${JSON.stringify(last)}`);
    },
    async upload(form, file) {
      const body = new FormData();
      for (const [name, value] of Object.entries(toAnswer(form.fields))) body.append(name, String(value));
      body.append("file", new Blob([file]));
      const answer = await fetch(String(form.url), { method: "POST", body });
      if (!answer.ok) throw new Error(`The upload was answered with ${answer.status}: ${await answer.text()}`);
    },
  };
}

/** @throws Error if `value` is no JSON object */
export function toAnswer(value: unknown): Answer {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`Expected a JSON object, got ${JSON.stringify(value)}.`);
  }
  return JSON.parse(JSON.stringify(value));
}
