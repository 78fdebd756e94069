import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { size } from "../format.ts";
import { linkTo } from "../route.ts";
import { ActButton } from "../ui.tsx";
import { giveUp, goOn, type Sending, take, uploads } from "../uploads.ts";

/** Takes files by drop or by choice, and shows how far each has come; the task's page shows what it became. */
export function UploadForm(): JSX.Element {
  const [isOver, setOver] = useState(false);
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
          take(event.dataTransfer?.files ?? []);
        }}
      >
        <label>
          Drop files here, or choose them{" "}
          <input
            type="file"
            multiple
            onChange={({ currentTarget }) => {
              take([...(currentTarget.files ?? [])]);
              currentTarget.value = "";
            }}
          />
        </label>
      </div>
      <ul class="plain uploads">
        {uploads.value.map((one, index) => (
          <li key={one.id ?? `${index} ${one.name}`}>
            <bdi>{one.name}</bdi>, {size(one.bytes)}: <Progress upload={one} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Progress({ upload }: { upload: Sending }): JSX.Element {
  const { name, state, id, sent, bytes, reason } = upload;
  if (state === "refused") return <span class="lost">{reason}</span>;
  if (state === "sent" && id !== undefined) return <a href={linkTo(["tasks", id])}>sent; see what it becomes</a>;
  if (state === "cut off") {
    return (
      <>
        <span class="lost">
          {upload.file ? `cut off. ${reason ?? ""}` : "cut off by a reload: choose the file again, and it goes on."}
        </span>{" "}
        {upload.file && (
          <button type="button" onClick={() => goOn(upload)}>
            Go on
          </button>
        )}{" "}
        <ActButton
          verb="Give up"
          isDangerous
          sentence={`What came of ${name} is removed, and its task is revoked.`}
          run={() => giveUp(upload)}
        />
      </>
    );
  }
  return (
    <>
      <progress aria-label={`Sending ${name}`} value={sent} max={Math.max(1, bytes)} /> {size(sent)}
    </>
  );
}
