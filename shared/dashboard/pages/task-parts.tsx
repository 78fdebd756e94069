/** Parts of a task's page. */

import type { JSX } from "preact";
import type { TaskRecord } from "../../results/record.ts";
import { duration } from "../format.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { linkTo } from "../route.ts";
import { Fact, JsonView, Named, now, StateMark, Table, Text, When } from "../ui.tsx";

interface Attempt {
  attempt: number;
  startedAt?: string;
  endedAt?: string;
  outcome: string;
  error?: { name: string; message: string; code?: string };
  version?: string;
}

/** A task as its page gets it. */
export type Shown = TaskRecord & { attempts?: Attempt[] };

export function Section({ title, children }: { title: string; children: JSX.Element | JSX.Element[] }): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** When it waited, and when it ran, as bars on one line. */
export function Timeline({ record }: { record: Shown }): JSX.Element {
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

export function Facts({ record }: { record: Shown }): JSX.Element {
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
      {record.version && (
        <Fact label="Version of the code">
          <bdi>{record.version}</bdi>
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

export function ErrorView({ error }: { error: NonNullable<TaskRecord["error"]> }): JSX.Element {
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

export function Attempts({ attempts }: { attempts: readonly Attempt[] }): JSX.Element {
  return (
    <Section title="Earlier attempts">
      <Table label="Earlier attempts" heads={["Attempt", "Outcome", "Started", "Ran", "Error"]}>
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
      </Table>
    </Section>
  );
}

/** Tasks that this one's run has sent; looked for among those sent since it was. */
export function Children({ record }: { record: Shown }): JSX.Element | null {
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
            <StateMark state={state} /> <Named href={linkTo(["tasks", id])} name={task} id={id} />
          </li>
        ))}
      </ul>
      <p>
        <a href={linkTo(["tasks"], { q: `root:${record.rootId}` })}>Everything that came of the same root</a>
      </p>
    </Section>
  );
}
