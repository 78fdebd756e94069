import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, Refusal } from "../api.ts";
import { size } from "../format.ts";
import { may } from "../frame.tsx";
import { writeExact } from "../json.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo } from "../route.ts";
import { isFinal, noteOf } from "../rows.ts";
import { ActButton, CopyButton, Empty, JsonView, Loading, now, StateMark, Trouble } from "../ui.tsx";
import { type Decision, type Depth, whyNotRunning } from "../why.ts";
import { Compare } from "./compare.tsx";
import { FilesOf } from "./files.tsx";
import { Attempts, Children, ErrorView, Facts, Section, type Shown, Timeline } from "./task-parts.tsx";

const RESTING_SECONDS = 15;

export function TaskPage({ id }: { id: string }): JSX.Element {
  const [rests, setRests] = useState(false);
  const {
    data: record,
    error,
    refresh,
  } = useLive<Shown>(pathOf(["tasks", id]), rests ? { everySeconds: RESTING_SECONDS } : {});
  const hasEnded = record !== undefined && isFinal(record);
  useEffect(() => setRests(hasEnded), [hasEnded]);
  if (record === undefined) {
    const isGone = error instanceof Refusal && error.status === 404;
    return (
      <>
        <h1>Task</h1>
        {isGone ? (
          <Empty>
            There is no record of <code>{id}</code>: it was never sent here, or it has ended and is shown no longer.
          </Empty>
        ) : (
          (error && <Trouble error={error} />) || <Loading />
        )}
      </>
    );
  }
  return (
    <>
      <div class="head">
        <h1>
          <bdi>{record.task}</bdi> <StateMark state={record.state} note={noteOf(record)} />
        </h1>
        <Acts record={record} refresh={refresh} />
      </div>
      <p class="dim id">
        {record.id} <CopyButton text={record.id} label="Copy the id" />
      </p>
      <Trouble error={error} />
      <Why record={record} />
      <Timeline record={record} />
      <Facts record={record} />
      <FilesOf record={record} />
      <Part record={record} part="error" title="Error">
        {record.error && <ErrorView error={record.error} />}
      </Part>
      {record.progress !== undefined && (
        <Section title="Progress">
          <JsonView value={record.progress} label="Progress" />
        </Section>
      )}
      <Part record={record} part="payload" title="Payload">
        <JsonView value={record.payload} label="Payload" />
      </Part>
      <Part record={record} part="result" title="Result">
        {record.result !== undefined && <JsonView value={record.result} label="Result" />}
      </Part>
      {record.attempts && record.attempts.length > 0 && <Attempts attempts={record.attempts} />}
      <Compare record={record} />
      <Children record={record} />
    </>
  );
}

/** A value, or the link to it when it is large, or the word that it is gone. */
function Part(props: {
  record: Shown;
  part: "payload" | "result" | "error";
  title: string;
  children: JSX.Element | undefined | false;
}): JSX.Element | null {
  const { record, part, title, children } = props;
  const large = record.large?.[part];
  if (large === undefined && !children) return null;
  return (
    <section>
      <h2>{title}</h2>
      {large === undefined ? (
        children
      ) : large.gone ? (
        <Empty>It was {size(large.sizeBytes)} and is kept no longer.</Empty>
      ) : (
        <p>
          {size(large.sizeBytes)}, too large to show: <a href={large.url ?? "#"}>download</a>
        </p>
      )}
    </section>
  );
}

function Acts({ record, refresh }: { record: Shown; refresh: () => void }): JSX.Element | null {
  const [text, setText] = useState<string>();
  if (!may("operate")) return null;
  const hasEnded = isFinal(record);
  const replay = async (body?: string): Promise<void> => {
    const { id } = await call<{ id: string }>(pathOf(["tasks", record.id, "replay"]), {
      method: "POST",
      ...(body !== undefined && { body: `{"payload":${body}}` }),
    });
    if (id === record.id) refresh();
    else goTo(linkTo(["tasks", id]));
  };
  const edited = text ?? writeExact(record.payload);
  return (
    <div class="acts">
      <ActButton
        verb="Revoke"
        isDangerous
        isOff={hasEnded || record.revokeRequestedAt !== undefined}
        sentence={
          record.state === "STARTED"
            ? "It runs, and is told to stop; a task that does not listen is stopped within 7 seconds."
            : "It waits, and will never run."
        }
        run={async () => {
          await call(pathOf(["tasks", record.id]), { method: "DELETE" });
          refresh();
        }}
      />
      <ActButton
        verb="Replay"
        isOff={!hasEnded}
        sentence={
          record.workflow
            ? "It runs again under the same id, and its workflow goes on from there."
            : "It runs again with the same payload, as a new task; this one stays as it is."
        }
        run={() => replay()}
      />
      {!record.large?.payload && !record.workflow && (
        <ActButton
          verb="Replay with another payload"
          isOff={!hasEnded}
          sentence="It runs again as a new task with this payload, which the task's schema checks."
          run={() => replay(edited)}
        >
          <label>
            Payload
            <textarea
              rows={12}
              spellcheck={false}
              value={edited}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <Invalid text={edited} />
        </ActButton>
      )}
    </div>
  );
}

function Invalid({ text }: { text: string }): JSX.Element | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return (
      <p class="trouble" role="status">
        This is no JSON: {String(error instanceof Error ? error.message : error)}
      </p>
    );
  }
}

/** Asked for only while the task waits. */
function Why({ record }: { record: Shown }): JSX.Element | null {
  const waits = record.state === "PENDING" || record.state === "RETRY";
  const control = useLive<{ decisions: Decision[] }>(waits ? "control" : undefined, { everySeconds: 5 });
  const queues = useLive<{ queues: Depth[] }>(waits ? "queues" : undefined, { everySeconds: 5 });
  if (!waits || control.data === undefined || queues.data === undefined) return null;
  const sentence = whyNotRunning(record, control.data.decisions, queues.data.queues, now.value);
  return sentence === undefined ? null : <p class="why">{sentence}</p>;
}
