import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { TaskRecord } from "../../results/record.ts";
import { call, pathOf, Refusal } from "../api.ts";
import { duration, size } from "../format.ts";
import { may } from "../frame.tsx";
import { writeExact } from "../json.ts";
import { useLive } from "../live.ts";
import { goTo, linkTo } from "../route.ts";
import { noteOf } from "../rows.ts";
import {
  ActButton,
  CopyButton,
  Empty,
  Fact,
  JsonView,
  Loading,
  now,
  Scroll,
  StateMark,
  Text,
  Trouble,
  When,
} from "../ui.tsx";
import { type Decision, type Depth, whyNotRunning } from "../why.ts";
import { FilesOf } from "./files.tsx";

const FINAL: readonly string[] = ["SUCCESS", "FAILURE", "REVOKED"];
const RESTING_SECONDS = 15;

interface Attempt {
  attempt: number;
  startedAt?: string;
  endedAt?: string;
  outcome: string;
  error?: { name: string; message: string; code?: string };
}

type Shown = TaskRecord & { attempts?: Attempt[] };

export function TaskPage({ id }: { id: string }): JSX.Element {
  const [isFinal, setFinal] = useState(false);
  const {
    data: record,
    error,
    refresh,
  } = useLive<Shown>(pathOf(["tasks", id]), isFinal ? { everySeconds: RESTING_SECONDS } : {});
  if (record && FINAL.includes(record.state) !== isFinal) setFinal(!isFinal);
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
      <Children record={record} />
    </>
  );
}

function Section({ title, children }: { title: string; children: JSX.Element | JSX.Element[] }): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
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
  const isFinal = FINAL.includes(record.state);
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
        isOff={isFinal || record.revokeRequestedAt !== undefined}
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
        isOff={!isFinal}
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
          isOff={!isFinal}
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

/** When it waited, and when it ran, as bars on one line. */
function Timeline({ record }: { record: Shown }): JSX.Element {
  const end = record.finishedAt === undefined ? now.value : Date.parse(record.finishedAt);
  const begin = Date.parse(record.createdAt);
  const attempts: readonly Attempt[] = record.attempts ?? [];
  const runs = [
    ...attempts.flatMap(({ startedAt, endedAt, outcome }) =>
      startedAt && endedAt
        ? [{ from: Date.parse(startedAt), to: Date.parse(endedAt), word: outcome.toLowerCase() }]
        : [],
    ),
    ...(record.startedAt && record.state !== "RETRY"
      ? [{ from: Date.parse(record.startedAt), to: end, word: record.state.toLowerCase() }]
      : []),
  ];
  const whole = Math.max(1, end - begin);
  const share = (time: number): number => (Math.min(Math.max(time - begin, 0), whole) / whole) * 1000;
  const ran = runs.reduce((sum, { from, to }) => sum + (to - from), 0);
  const text = `Waited ${duration(Math.max(0, whole - ran))}, ran ${duration(ran)}, attempt ${record.attempt}`;
  return (
    <figure class="timeline">
      <svg viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label={text}>
        <rect class="waits" x="0" y="8" width="1000" height="8" />
        {runs.map(({ from, to, word }) => (
          <rect
            key={from}
            class={`run state-${word}`}
            x={share(from)}
            y="2"
            width={Math.max(3, share(to) - share(from))}
            height="20"
          />
        ))}
      </svg>
      <figcaption>{text}</figcaption>
    </figure>
  );
}

function TaskLink({ id }: { id: string }): JSX.Element {
  return (
    <a class="id" href={linkTo(["tasks", id])}>
      {id.slice(0, 13)}…
    </a>
  );
}

function Facts({ record }: { record: Shown }): JSX.Element {
  return (
    <dl class="facts">
      <Fact label="Queue">
        <a href={linkTo(["queues"])}>{record.queue}</a>
      </Fact>
      <Fact label="Attempt">{record.attempt}</Fact>
      <Fact label="Sent">
        <When time={record.createdAt} exact />
      </Fact>
      {record.eta && (
        <Fact label="Not before">
          <When time={record.eta} exact />
        </Fact>
      )}
      {record.expires && (
        <Fact label="Not after">
          <When time={record.expires} exact />
        </Fact>
      )}
      {record.arrivedAt && (
        <Fact label="File came">
          <When time={record.arrivedAt} exact />
        </Fact>
      )}
      <Fact label="Started">
        <When time={record.startedAt} exact />
      </Fact>
      <Fact label="Ended">
        <When time={record.finishedAt} exact />
      </Fact>
      {record.tags && (
        <Fact label="Tags">
          {record.tags.map((tag) => (
            <a key={tag} class="chip" href={linkTo(["tasks"], { q: `tag:"${tag}"` })}>
              <bdi>{tag}</bdi>
            </a>
          ))}
        </Fact>
      )}
      {record.messageGroupId && (
        <Fact label="Message group">
          <bdi>{record.messageGroupId}</bdi>
        </Fact>
      )}
      {Object.entries(record.headers ?? {}).map(([name, value]) => (
        <Fact key={name} label={`Header ${name}`}>
          <bdi>{value}</bdi>
        </Fact>
      ))}
      {record.parentId && (
        <Fact label="Sent by">
          <TaskLink id={record.parentId} />
        </Fact>
      )}
      {record.rootId !== record.id && (
        <Fact label="Root">
          <TaskLink id={record.rootId} />
        </Fact>
      )}
      {record.replayOf && (
        <Fact label="Replay of">
          <TaskLink id={record.replayOf} />
        </Fact>
      )}
      {record.replayedBy && (
        <Fact label="Run again as">
          <TaskLink id={record.replayedBy} />
        </Fact>
      )}
      {record.replacedBy && (
        <Fact label="Became">
          <a href={linkTo(["workflows", record.replacedBy])}>a workflow</a>
        </Fact>
      )}
      {record.workflow && (
        <Fact label="Workflow">
          <a href={linkTo(["workflows", record.workflow.id], { place: record.workflow.place })}>
            place {record.workflow.place || "the whole"}
          </a>
        </Fact>
      )}
      {record.schedule && (
        <Fact label="Schedule">
          <a href={linkTo(["schedules", record.schedule.name])}>
            <bdi>{record.schedule.name}</bdi>
          </a>{" "}
          of <When time={record.schedule.at} exact />
          {record.schedule.manual && " by hand"}
        </Fact>
      )}
    </dl>
  );
}

function ErrorView({ error }: { error: NonNullable<TaskRecord["error"]> }): JSX.Element {
  return (
    <div class="error">
      <p>
        <strong>
          <bdi>{error.name}</bdi>
        </strong>
        {error.code !== undefined && <code> {error.code}</code>}: <bdi>{error.message}</bdi>
      </p>
      {error.stack !== undefined && (
        <Text label="Stack">
          <bdi>{error.stack}</bdi>
        </Text>
      )}
      {error.cause !== undefined && <JsonView value={error.cause} label="Cause" />}
    </div>
  );
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }): JSX.Element {
  return (
    <Section title="Earlier attempts">
      <Scroll label="Earlier attempts">
        <table class="rows">
          <thead>
            <tr>
              <th>Attempt</th>
              <th>Outcome</th>
              <th>Started</th>
              <th>Ran</th>
              <th>Error</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map(({ attempt, outcome, startedAt, endedAt, error }) => (
              <tr key={`${attempt} ${startedAt}`}>
                <td>{attempt}</td>
                <td>{outcome}</td>
                <td>
                  <When time={startedAt} exact />
                </td>
                <td>{startedAt && endedAt ? duration(Date.parse(endedAt) - Date.parse(startedAt)) : "–"}</td>
                <td class="long">
                  <bdi>{error ? `${error.name}: ${error.message}` : ""}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Section>
  );
}

/** Tasks that this one's run has sent; looked for among those sent since it was. */
function Children({ record }: { record: Shown }): JSX.Element | null {
  const path = pathOf(["tasks"], { parent: record.id, from: record.createdAt, limit: "100", values: "false" });
  const { data } = useLive<{ tasks: TaskRecord[]; cursor?: string }>(record.startedAt ? path : undefined, {
    everySeconds: 5,
  });
  if (data === undefined || data.tasks.length === 0) return null;
  return (
    <Section title="Tasks that it sent">
      <ul class="plain">
        {data.tasks.map(({ id, task, state }) => (
          <li key={id}>
            <StateMark state={state} />{" "}
            <a href={linkTo(["tasks", id])}>
              <bdi>{task}</bdi> <span class="id dim">{id.slice(0, 8)}</span>
            </a>
          </li>
        ))}
      </ul>
      <p>
        <a href={linkTo(["tasks"], { q: `root:${record.rootId}` })}>Everything that came of the same root</a>
      </p>
    </Section>
  );
}
