import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { size } from "../format.ts";
import { linkTo } from "../route.ts";

interface Form {
  id: string;
  upload: { url: string; fields: Record<string, string> };
  maxBytes: number;
}

interface Sending {
  name: string;
  bytes: number;
  sent: number;
  id?: string;
  state: "asked" | "sending" | "sent" | "refused";
  reason?: string;
}

/** Takes files by drop or by choice, and sends each to the bucket by a form of its own; the task page shows what it became. */
export function UploadForm(): JSX.Element {
  const [files, setFiles] = useState<readonly Sending[]>([]);
  const [isOver, setOver] = useState(false);

  const take = (list: FileList | null | undefined): void => {
    for (const file of list ?? []) {
      const place = { name: file.name, bytes: file.size, sent: 0, state: "asked" } satisfies Sending;
      let current: Sending = place;
      setFiles((before) => [place, ...before]);
      const change = (part: Partial<Sending>): void => {
        const next = { ...current, ...part };
        const old = current;
        current = next;
        setFiles((before) => before.map((one) => (one === old ? next : one)));
      };
      void send(file, change).catch((error: unknown) =>
        change({ state: "refused", reason: error instanceof Error ? error.message : String(error) }),
      );
    }
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the input within does the same by keyboard */}
      <div
        class={`drop${isOver ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          take(event.dataTransfer?.files);
        }}
      >
        <label>
          Drop files here, or choose them{" "}
          <input
            type="file"
            multiple
            onChange={({ currentTarget }) => {
              take(currentTarget.files);
              currentTarget.value = "";
            }}
          />
        </label>
      </div>
      <ul class="plain">
        {files.map((file) => (
          <li key={file.id ?? file.name}>
            <bdi>{file.name}</bdi>, {size(file.bytes)}:{" "}
            {file.state === "refused" ? (
              <span class="lost">{file.reason}</span>
            ) : file.state === "sent" && file.id !== undefined ? (
              <a href={linkTo(["tasks", file.id])}>sent; see what it becomes</a>
            ) : (
              <progress aria-label={`Sending ${file.name}`} value={file.sent} max={Math.max(1, file.bytes)} />
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

async function send(file: File, change: (part: Partial<Sending>) => void): Promise<void> {
  const { id, upload, maxBytes } = await call<Form>("uploads", {
    method: "POST",
    body: { filename: file.name, contentType: file.type || "application/octet-stream", size: file.size },
  });
  if (file.size > maxBytes) throw new Error(`It is ${size(file.size)}: at most ${size(maxBytes)} are accepted.`);
  change({ id, state: "sending" });
  await post(upload, file, (sent) => change({ sent }));
  change({ state: "sent" });
}

/** With progress, which `fetch` does not tell. */
function post({ url, fields }: Form["upload"], file: File, onProgress: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set("file", file);
    const request = new XMLHttpRequest();
    request.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, file.size));
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new Error(`The bucket refused it with ${request.status}.`));
    request.onerror = () =>
      reject(new Error("The bucket did not answer, or does not take files from this page: see CORS_ORIGIN."));
    request.open("POST", url);
    request.send(form);
  });
}
