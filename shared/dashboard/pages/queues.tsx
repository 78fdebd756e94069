import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { TaskRecord } from "../../results/record.ts";
import { call } from "../api.ts";
import { serviceNow } from "../clock.ts";
import { count } from "../format.ts";
import { may } from "../frame.tsx";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { linkTo } from "../route.ts";
import { ActButton, Empty, Loading, RateField, Table, Trouble, When } from "../ui.tsx";
import type { Decision, Depth } from "../why.ts";

interface Page {
  tasks: TaskRecord[];
  cursor?: string;
}

/** No run takes longer. */
const DAY_MILLISECONDS = 86_400_000;

export function QueuesPage(): JSX.Element {
  const runningList = useMemo(() => {
    const from = new Date(serviceNow() - DAY_MILLISECONDS).toISOString();
    return pathOf(["tasks"], { state: "STARTED", from, limit: "100", values: "false" });
  }, []);
  const queues = useLive<{ queues: (Depth & { unreadable?: true })[]; dead: number | null }>("queues");
  const control = useLive<{ decisions: Decision[] }>("control");
  const running = useLive<Page>(runningList, { everySeconds: 5 });
  const index = useLive<{ tasks: string[] }>("./", { everySeconds: 60 });
  const refresh = (): void => {
    queues.refresh();
    control.refresh();
  };
  return (
    <>
      <h1>Queues</h1>
      <Trouble error={queues.error} />
      {queues.data === undefined ? (
        <Loading />
      ) : (
        <Table
          label="Queues"
          heads={[
            "Queue",
            ...["Waiting", "In flight", "Delayed", "Running", "Workers at most"].map((number) => ({ number })),
            "State",
            "Acts",
          ]}
        >
          {queues.data.queues.map((queue) => (
            <tr key={queue.name}>
              <td>
                <a href={linkTo(["tasks"], { q: `queue:${queue.name}` })}>{queue.name}</a>
              </td>
              <td class="number">{about(queue.waiting)}</td>
              <td class="number">{about(queue.inFlight)}</td>
              <td class="number">{about(queue.delayed)}</td>
              <td class="number">{running.data === undefined ? "?" : runningIn(queue, running.data)}</td>
              <td class="number">{queue.workers === undefined ? "–" : count(queue.workers)}</td>
              <td>{queue.unreadable ? "cannot be read" : queue.paused ? "■ paused" : "● runs"}</td>
              <td>
                <QueueActs queue={queue} refresh={refresh} />
              </td>
            </tr>
          ))}
          <tr>
            <td>dead letters</td>
            <td class="number">{queues.data.dead === null ? "?" : count(queues.data.dead)}</td>
            <td colSpan={6} class="dim">
              They become failures, or go back, within a minute: more than a few for long is a fault.
            </td>
          </tr>
        </Table>
      )}
      <p class="dim">
        Waiting, in flight and delayed are messages as SQS counts them, which is approximate; those in flight are held
        by a worker, or hidden until their turn. Running are tasks whose record says STARTED; "+" is for more than were
        looked through. A worker is a run of the worker function, with up to ten messages: Lambda starts no more of them
        for a queue at once, and as many as the account allows where "–" stands. A laptop starts what its processors
        bear.
      </p>
      <h2>Tasks and their limits</h2>
      <Limits tasks={index.data?.tasks ?? []} decisions={control.data?.decisions ?? []} refresh={refresh} />
      <h2>Revokes in force</h2>
      <Revokes decisions={control.data?.decisions ?? []} refresh={refresh} />
    </>
  );
}

/** Of the newest tasks; with "+" there may be more. A queue of which no worker holds a message runs none. */
function runningIn({ name, inFlight }: Depth, { tasks, cursor }: Page): string {
  const number = tasks.filter(({ queue }) => queue === name).length;
  return `${count(number)}${cursor === undefined || (number === 0 && inFlight === 0) ? "" : "+"}`;
}

function about(number: number | undefined): string {
  return number === undefined ? "?" : count(number);
}

function QueueActs({ queue, refresh }: { queue: Depth; refresh: () => void }): JSX.Element | null {
  const [rate, setRate] = useState("10");
  if (!may("operate")) return null;
  const act = (what: string, body?: unknown) => async (): Promise<void> => {
    await call(pathOf(["queues", queue.name, what]), { method: "POST", ...(body !== undefined && { body }) });
    refresh();
  };
  return (
    <div class="acts">
      {queue.paused ? (
        <ActButton
          verb="Resume"
          sentence={`Tasks of ${queue.name} go on, within a minute at most.`}
          run={act("resume")}
        />
      ) : (
        <ActButton
          verb="Pause"
          sentence={`No task of ${queue.name} begins; those that run go on. Workers see it within 2 seconds.`}
          run={act("pause")}
        />
      )}
      <ActButton
        verb="Purge"
        isDangerous
        sentence={`Everything that was sent to ${queue.name} by now and has not begun is revoked.`}
        run={act("purge")}
      />
      <ActButton
        verb="Redrive"
        sentence={`Failures of ${queue.name} of the last 7 days run again, at most 100 now; each only once.`}
        run={act("redrive", { rate: Number(rate) })}
      >
        <RateField rate={rate} most={1000} onChange={setRate} />
      </ActButton>
    </div>
  );
}

function Limits(props: { tasks: readonly string[]; decisions: readonly Decision[]; refresh: () => void }): JSX.Element {
  const { tasks, decisions, refresh } = props;
  if (tasks.length === 0) return <Empty>No task is registered.</Empty>;
  return (
    <Table label="Tasks and their limits" heads={["Task", "State", "Limits that an operator has set", "Acts"]}>
      {tasks.map((task) => {
        const isPaused = decisions.some(
          ({ kind, scope, name }) => kind === "pause" && scope === "task" && name === task,
        );
        const limits = decisions.find(({ kind, name }) => kind === "limits" && name === task)?.limits;
        return (
          <tr key={task}>
            <td>
              <a href={linkTo(["tasks"], { q: `task:${task}` })}>
                <bdi>{task}</bdi>
              </a>
            </td>
            <td>{isPaused ? "■ paused" : "● runs"}</td>
            <td>{limits ? <LimitWords limits={limits} /> : <span class="dim">as its code says</span>}</td>
            <td>{may("operate") && <TaskActs task={task} isPaused={isPaused} limits={limits} refresh={refresh} />}</td>
          </tr>
        );
      })}
    </Table>
  );
}

function LimitWords({ limits }: { limits: NonNullable<Decision["limits"]> }): JSX.Element {
  const rate = limits.rateLimit === undefined ? undefined : `rate ${limits.rateLimit ?? "unlimited"}`;
  const places = limits.concurrency === undefined ? undefined : `at once ${limits.concurrency ?? "unlimited"}`;
  return <>{[rate, places].filter(Boolean).join(", ")}</>;
}

function TaskActs(props: {
  task: string;
  isPaused: boolean;
  limits: Decision["limits"] | undefined;
  refresh: () => void;
}): JSX.Element {
  const { task, isPaused, limits, refresh } = props;
  const [rate, setRate] = useState("");
  const [places, setPlaces] = useState("");
  const act = (method: "POST" | "PUT" | "DELETE", what: string, body?: unknown) => async (): Promise<void> => {
    await call(pathOf(["tasks", task, what]), { method, ...(body !== undefined && { body }) });
    refresh();
  };
  const wanted = {
    ...(rate !== "" && { rateLimit: rate }),
    ...(places !== "" && { concurrency: Number(places) }),
  };
  return (
    <div class="acts">
      {isPaused ? (
        <ActButton verb="Resume" sentence={`Calls of ${task} go on.`} run={act("POST", "resume")} />
      ) : (
        <ActButton
          verb="Pause"
          sentence={`No call of ${task} begins; those that run go on.`}
          run={act("POST", "pause")}
        />
      )}
      <ActButton
        verb="Limit"
        sentence={`All workers together keep these limits of ${task}; an empty field is as the code says.`}
        run={act("PUT", "limits", wanted)}
      >
        <label>
          Starts, such as 100/m
          <input value={rate} placeholder="100/m" onInput={(event) => setRate(event.currentTarget.value)} />
        </label>
        <label>
          At once
          <input type="number" min="1" value={places} onInput={(event) => setPlaces(event.currentTarget.value)} />
        </label>
      </ActButton>
      {limits && (
        <ActButton
          verb="Limits of the code"
          sentence={`${task} has the limits of its code again.`}
          run={act("DELETE", "limits")}
        />
      )}
    </div>
  );
}

function Revokes({ decisions, refresh }: { decisions: readonly Decision[]; refresh: () => void }): JSX.Element {
  const revokes = decisions.filter(({ kind }) => kind === "revoke");
  if (revokes.length === 0) return <Empty>None: nothing that waits is held back by one.</Empty>;
  return (
    <ul class="plain">
      {revokes.map(({ scope, name, at }) => (
        <li key={`${scope} ${name}`}>
          {scope} <bdi>{name}</bdi>, sent until <When time={at} exact />{" "}
          {may("operate") && (
            <ActButton
              verb="Drop"
              sentence={`The revoke of ${scope} ${name} is dropped: tasks that it stopped and that still wait may run.`}
              run={async () => {
                await call(pathOf(["control"], { [scope]: name }), { method: "DELETE" });
                refresh();
              }}
            />
          )}
        </li>
      ))}
    </ul>
  );
}
