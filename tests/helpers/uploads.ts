import { createReadApi } from "../../shared/http/read.ts";
import { createSubmitApi } from "../../shared/http/submit.ts";
import { createUploadListener, createWorker, files } from "../../shared/index.ts";
import { createRegistry, type TaskModule } from "../../shared/task/registry.ts";
import type { Engine } from "./engine.ts";

/** A presigned form, as the API answers it. */
interface Form {
  url: string;
  fields: Record<string, string>;
}

/** Uploads to an engine whose tasks process them. */
export interface Uploads {
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** Asks for a form; for a CSV with an awkward name unless told otherwise. */
  ask(fields?: { contentType?: string; size?: number; filename?: string }): Promise<{ id: string; form: Form }>;
  /** Sends the form with a file; answers with S3's status. */
  send(form: Form, file: Uint8Array<ArrayBuffer>): Promise<number>;
  /** S3's notification to the listener, the listener's message to the worker. */
  process(): Promise<void>;
  /** Uploads a file and waits for its task's end; answers with what `GET /uploads/{id}` says. */
  upload(
    file: Uint8Array<ArrayBuffer>,
    fields?: { contentType?: string; filename?: string },
  ): Promise<Record<string, unknown>>;
}

export function createUploads(engine: Engine, modules: readonly TaskModule[]): Uploads {
  const registry = createRegistry(modules);
  const headers = { host: "127.0.0.1", "content-type": "application/json" };

  const uploads: Uploads = {
    async call(method, path, body) {
      const api = (method === "GET" ? createReadApi : createSubmitApi)(engine.app, registry, files);
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const answer = await api.request(path, init);
      return { status: answer.status, body: Object(await answer.json()) };
    },
    async ask(fields = {}) {
      const body = { filename: "../größe & co.csv", contentType: "text/csv", ...fields };
      const answer = await uploads.call("POST", "/uploads", body);
      if (answer.status !== 201) throw new Error(`POST /uploads answered ${answer.status}.`);
      const { id, upload } = JSON.parse(JSON.stringify(answer.body));
      return { id, form: upload };
    },
    async send(form, file) {
      const body = new FormData();
      for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
      body.append("file", new Blob([file]));
      return (await fetch(form.url, { method: "POST", body })).status;
    },
    async process() {
      engine.clock.now = new Date();
      const arrived = await engine.deliver("UploadsQueue", createUploadListener(modules, engine.app));
      await engine.acknowledge("UploadsQueue", arrived.event.Records);
      const worked = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
      await engine.acknowledge("DefaultQueue", worked.event.Records);
    },
    async upload(file, fields) {
      const { id, form } = await uploads.ask(fields);
      const status = await uploads.send(form, file);
      if (status !== 204) throw new Error(`S3 answered ${status} to a form.`);
      for (let round = 0; round < 5; round++) {
        const record = await engine.app.results.read(id);
        if (record?.state === "SUCCESS" || record?.state === "FAILURE") break;
        await uploads.process();
      }
      return (await uploads.call("GET", `/uploads/${id}`)).body;
    },
  };
  return uploads;
}
