import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { FailureGroup } from "../../failures/groups.ts";
import type { TaskRecord } from "../../results/record.ts";
import { serviceNow } from "../clock.ts";
import { count, duration, isUtc, moment } from "../format.ts";
import { useLive } from "../live.ts";
import { BACKLOG_MILLISECONDS, useOldest } from "../oldest.ts";
import { pathOf } from "../path.ts";
import type { ByState } from "../rate.ts";
import { linkTo } from "../route.ts";
import { timeOf } from "../rows.ts";
import { oldestWaiting, stalledQueues } from "../stalled.ts";
import { Empty, Loading, Named, now, StateMark, Trouble, When } from "../ui.tsx";
import type { Decision, Depth } from "../why.ts";
import { Groups } from "./failures.tsx";
import { Rate } from "./rate.tsx";

const DAY_MILLISECONDS = 86_400_000;
const MINUTE = 60_000;
const LATE_MILLISECONDS = 30_000;

interface Page {
  tasks: TaskRecord[];
  searchedFrom: string;
  cursor?: string;
}

interface Entry {
  name: string;
  next: string[];
  enabled?: boolean;
  task?: string;
}

/** The trouble first, then the work, then what is to come. */
export function OverviewPage(): JSX.Element {
  const [from, longAgo] = useMemo(
    () => [DAY_MILLISECONDS, BACKLOG_MILLISECONDS].map((ago) => new Date(serviceNow() - ago).toISOString()),
    [],
  );
  const list = (state: string, since = from): string =>
    pathOf(["tasks"], { state, from: since, limit: "100", values: "false" });
  const failures = useLive<{ failures: FailureGroup[]; cursor?: string }>(
    pathOf(["failures"], { state: "open", limit: "10" }),
    { everySeconds: 5 },
  );
  const running = useLive<Page>(list("STARTED"));
  const queues = useLive<{ queues: Depth[]; dead: number | null }>("queues");
  const control = useLive<{ decisions: Decision[] }>("control", { everySeconds: 5 });
  const schedules = useLive<{ schedules: Entry[] }>("schedules", { everySeconds: 15 });
  const newest = useLive<Page>(list("PENDING,RETRY", longAgo), { everySeconds: 10 }).data;
  const atWork = queues.data?.queues.filter(
    ({ waiting = 0, inFlight = 0, delayed = 0, paused }) => paused || waiting + inFlight + delayed > 0,
  );
  // Where the newest are not all that wait, the oldest are looked for by themselves.
  const oldest = useOldest(newest?.cursor === undefined ? undefined : atWork?.map(({ name }) => name));
  const waiting = newest && [...newest.tasks, ...oldest.tasks];
  return (
    <>
      <h1>Overview</h1>
      <Trouble error={queues.error ?? failures.error} />
      <Attention queues={queues.data} decisions={control.data?.decisions} waiting={waiting} />
      <section aria-label="Failures">
        <h2>Open failures</h2>
        {failures.data === undefined ? <Loading /> : <Groups groups={failures.data.failures} />}
        {failures.data?.cursor !== undefined && <a href={linkTo(["failures"])}>All of them</a>}
      </section>
      <Rate decisions={control.data?.decisions ?? []} />
      <section aria-label="Queues">
        <h2>Queues</h2>
        {queues.data === undefined ? <Loading /> : <Depths queues={queues.data.queues} />}
        {waiting !== undefined && (
          <OldestWaiting tasks={waiting} searchedTo={oldest.searchedTo} isLooking={oldest.isLooking} />
        )}
      </section>
      <section aria-label="Running now">
        <h2>Running now</h2>
        {running.data === undefined ? <Loading /> : <Running page={running.data} />}
      </section>
      <section aria-label="Next firings">
        <h2>Next firings</h2>
        {schedules.data === undefined ? <Loading /> : <Next entries={schedules.data.schedules} />}
      </section>
    </>
  );
}

/** Paused, limited, dead: whatever an operator may have forgotten. */
function Attention(props: {
  queues: { queues: Depth[]; dead: number | null } | undefined;
  decisions: Decision[] | undefined;
  waiting: TaskRecord[] | undefined;
}): JSX.Element {
  const { queues, decisions = [], waiting = [] } = props;
  const time = now.value;
  const isLate = (oldestWaiting(waiting, time)?.milliseconds ?? 0) > LATE_MILLISECONDS;
  const from = new Date(Math.floor(time / MINUTE) * MINUTE - 3 * MINUTE).toISOString();
  // Asked for only while something is late.
  const ends = useLive<ByState>(isLate ? pathOf(["counts"], { from, step: "minute", by: "state" }) : undefined, {
    everySeconds: 5,
  });
  const stalled = stalledQueues({ queues: queues?.queues ?? [], waiting, ends: ends.data?.points }, time);
  const lines = [
    ...stalled.map(({ name, text }) => ({ key: `stalled ${name}`, text, at: undefined })),
    ...decisions.flatMap(({ kind, scope, name, at }) =>
      kind === "revoke"
        ? []
        : [
            {
              key: `${kind} ${scope} ${name}`,
              text:
                kind === "pause"
                  ? `${scope} ${name} is paused`
                  : `${scope} ${name} has limits that an operator has set`,
              at,
            },
          ],
    ),
    ...((queues?.dead ?? 0) > 0
      ? [{ key: "dead", text: `about ${count(queues?.dead ?? 0)} dead letters`, at: undefined }]
      : []),
  ];
  if (lines.length === 0) {
    return <p class="fine">● Nothing is stalled, paused or limited, and there are no dead letters.</p>;
  }
  return (
    <ul class="plain attention">
      {lines.map(({ key, text, at }) => (
        <li key={key}>
          ▲{" "}
          <a href={linkTo(["queues"])}>
            <bdi>{text}</bdi>
          </a>
          {at !== undefined && (
            <span class="dim">
              , <When time={at} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

/** @param searchedTo time to which everything was looked through; undefined: all of it */
function OldestWaiting({
  tasks,
  searchedTo,
  isLooking,
}: {
  tasks: TaskRecord[];
  searchedTo: string | undefined;
  isLooking: boolean;
}): JSX.Element {
  const oldest = oldestWaiting(tasks, now.value);
  const search = searchedTo !== undefined && (
    <span class="dim">
      {" "}
      (older ones are looked for: nothing waits that was sent before <When time={searchedTo} exact />)
    </span>
  );
  if (isLooking && oldest === undefined) return <p class="dim">The task that waits longest is looked for …</p>;
  if (oldest === undefined) return <p class="dim">No task waits that might run.{search}</p>;
  const { record, milliseconds } = oldest;
  return (
    <p>
      The oldest waiting task waits for {(isLooking || searchedTo !== undefined) && "at least "}
      {duration(milliseconds)}: <Named href={linkTo(["tasks", record.id])} name={record.task} id={record.id} />
      {search}
    </p>
  );
}

function Depths({ queues }: { queues: readonly Depth[] }): JSX.Element {
  const most = Math.max(1, ...queues.map(({ waiting = 0, inFlight = 0, delayed = 0 }) => waiting + inFlight + delayed));
  return (
    <ul class="plain depths">
      {queues.map(({ name, waiting = 0, inFlight = 0, delayed = 0, paused }) => {
        const text = `about ${count(waiting)} waiting, ${count(inFlight)} in flight, ${count(delayed)} delayed`;
        const parts = [
          ["started", inFlight],
          ["pending", waiting],
          ["retry", delayed],
        ] as const;
        let x = 0;
        return (
          <li key={name}>
            <a href={linkTo(["tasks"], { q: `queue:${name}` })}>{name}</a> {paused && <strong>■ paused</strong>}{" "}
            <span class="dim">{text}</span>
            <svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
              {parts.map(([state, number]) => {
                const width = (number / most) * 1000;
                x += width;
                return <rect key={state} class={`state-${state}`} x={x - width} y="0" width={width} height="10" />;
              })}
            </svg>
          </li>
        );
      })}
    </ul>
  );
}

function Running({ page }: { page: Page }): JSX.Element {
  if (page.tasks.length === 0 && page.cursor === undefined) return <Empty>Nothing runs.</Empty>;
  if (page.tasks.length === 0 && page.cursor !== undefined) {
    return (
      <p class="dim">
        Nothing runs that was sent after <When time={timeOf(page.cursor)} exact />.{" "}
        <a href={linkTo(["tasks"], { q: "state:STARTED" })}>Look further back</a>
      </p>
    );
  }
  return (
    <>
      <ul class="plain">
        {page.tasks.slice(0, 20).map(({ id, task, state, startedAt, attempt }) => (
          <li key={id}>
            <StateMark state={state} /> <Named href={linkTo(["tasks", id])} name={task} id={id} />{" "}
            <span class="dim">
              since <When time={startedAt} />
              {attempt > 1 && `, attempt ${attempt}`}
            </span>
          </li>
        ))}
      </ul>
      {(page.tasks.length > 20 || page.cursor !== undefined) && (
        <p>
          <a href={linkTo(["tasks"], { q: "state:STARTED" })}>All that run</a>
        </p>
      )}
    </>
  );
}

const FIRINGS = 8;

function Next({ entries }: { entries: readonly Entry[] }): JSX.Element {
  const times = entries
    .filter(({ enabled }) => enabled !== false)
    .flatMap(({ name, next }) => next.map((time) => ({ name, time })))
    .sort((a, b) => (a.time < b.time ? -1 : 1))
    .slice(0, FIRINGS);
  if (times.length === 0) return <Empty>No entry fires.</Empty>;
  return (
    <ul class="plain">
      {times.map(({ name, time }) => (
        <li key={`${name} ${time}`}>
          <When time={time} />{" "}
          <a href={linkTo(["schedules", name])}>
            <bdi>{name}</bdi>
          </a>{" "}
          <span class="dim">{moment(time, isUtc.value ? "UTC" : undefined)}</span>
        </li>
      ))}
    </ul>
  );
}
