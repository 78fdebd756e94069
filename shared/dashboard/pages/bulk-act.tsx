import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { TaskRecord } from "../../results/record.ts";
import { call, Refusal } from "../api.ts";
import { type ActWithTasks, aboutOf, acted, isUnderWay, type ShownAct } from "../bulk.ts";
import { count } from "../format.ts";
import { may } from "../frame.tsx";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo, route } from "../route.ts";
import { ActButton, Empty, Fact, Loading, Named, StateMark, Table, Trouble, When, Words } from "../ui.tsx";

const TITLES = { revoke: "Revoke many tasks", replay: "Replay many tasks" } as const;
const VERBS = { revoke: "Revoke", replay: "Replay" } as const;
const STATES: Readonly<Record<ShownAct["state"], string>> = {
  collecting: "◐ its tasks are being found",
  ready: "○ ready; nothing has been done yet",
  acting: "◐ under way",
  done: "● done",
  stopped: "■ stopped",
};
const OUTCOMES = { waiting: "○ waiting", done: "● done", skipped: "■ left as it is", failed: "▲ failed" } as const;

/** Tasks that are shown before an act begins. */
const SAMPLE = 5;
const RETRY_MILLISECONDS = 1000;

/** A bulk act: what it is about, before it begins; how far it is; what became of each task. */
export function BulkActPage({ id }: { id: string }): JSX.Element {
  const { cursor, outcome } = route.value.query;
  const path = pathOf(["bulk", id], { cursor, outcome });
  const { data: act, error, refresh } = useLive<ActWithTasks>(path, { everySeconds: 1 });
  if (act === undefined) {
    return (
      <>
        <h1>Many tasks</h1>
        {error instanceof Refusal && error.status === 404 ? (
          <Empty>There is no such act: it never was, or ended more than 90 days ago.</Empty>
        ) : (
          (error && <Trouble error={error} />) || <Loading />
        )}
      </>
    );
  }
  return (
    <>
      <div class="head">
        <h1>{TITLES[act.act]}</h1>
        {may("operate") && <Acts act={act} refresh={refresh} />}
      </div>
      <Trouble error={error} />
      <Progress act={act} />
      <dl class="facts">
        <Fact label="State">{STATES[act.state]}</Fact>
        <Fact label="Tasks">
          {count(act.total)}
          {act.isCut && ", and there are more, which it is not about"}
        </Fact>
        <Fact label="A second, at most">{act.rate}</Fact>
        <Fact label="Asked for">
          <When time={act.at} exact />
        </Fact>
        <Fact label="By">
          <bdi>{act.by}</bdi>
        </Fact>
        <Fact label="On">
          <Words value={aboutOf(act)} />
        </Fact>
        {act.endedAt !== undefined && (
          <Fact label="Ended">
            <When time={act.endedAt} exact />
          </Fact>
        )}
      </dl>
      {act.state === "ready" && <Sample ids={act.tasks.slice(0, SAMPLE).map((task) => task.id)} total={act.total} />}
      {act.state !== "collecting" && <Outcomes act={act} />}
    </>
  );
}

function Acts({ act, refresh }: { act: ActWithTasks; refresh: () => void }): JSX.Element {
  const ask = (method: "POST" | "DELETE", parts: readonly string[]) => async (): Promise<void> => {
    await call(pathOf(["bulk", act.id, ...parts]), { method });
    refresh();
  };
  const tasks = act.total === 1 ? "1 task" : `${count(act.total)} tasks`;
  return (
    <div class="acts">
      {act.state === "ready" && act.total > 0 && (
        <ActButton
          verb={`${VERBS[act.act]} ${tasks}`}
          isDangerous={act.act === "revoke"}
          sentence={
            act.act === "revoke"
              ? `Those that wait never run, those that run are told to stop, those that have ended by then stay as they are. It goes on when this page is closed.`
              : `Each runs again with the same payload, under the limits of its task. It goes on when this page is closed.`
          }
          run={ask("POST", ["start"])}
        />
      )}
      {(isUnderWay(act) || act.state === "ready") && (
        <ActButton
          verb={act.state === "ready" ? "Drop it" : "Stop"}
          sentence={
            act.state === "ready"
              ? "Nothing has been done, and nothing will be."
              : "It stands still within five seconds. Tasks that were acted on stay so; the others are left as they are."
          }
          run={ask("DELETE", [])}
        />
      )}
    </div>
  );
}

/** How far an act is, in words and as a bar. */
function Progress({ act }: { act: ShownAct }): JSX.Element {
  const words =
    act.state === "collecting"
      ? `${count(act.total)} tasks found so far`
      : `${count(acted(act))} of ${count(act.total)}: ${count(act.done)} done, ${count(act.skipped)} left as they are, ${count(act.failed)} failed`;
  return (
    <p class="bulk" role="status">
      <label>
        {words} <progress value={acted(act)} max={Math.max(1, act.total)} />
      </label>
    </p>
  );
}

/** An act that was made on another page, while it is under way and after. */
export function ActUnderWay({ id }: { id: string }): JSX.Element | null {
  const { data: act, error } = useLive<ActWithTasks>(pathOf(["bulk", id]), { everySeconds: 1 });
  return (
    <>
      <Trouble error={error} />
      {act && <Progress act={act} />}
      <p>
        <a href={linkTo(["activity", id])}>
          {act && !isUnderWay(act) ? "What became of each task" : "Look, or stop it"}
        </a>
      </p>
    </>
  );
}

/** Some of the tasks that an act is about, as they are now. */
function Sample({ ids, total }: { ids: readonly string[]; total: number }): JSX.Element | null {
  const [records, setRecords] = useState<readonly TaskRecord[]>([]);
  const [tries, setTries] = useState(0);
  const wanted = ids.join(",");
  useEffect(() => {
    let again: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    // A record that is gone stays so; any other call that failed is made again, for nothing else would fill the table.
    const read = (id: string) =>
      call<TaskRecord>(pathOf(["tasks", id])).catch((error: unknown) =>
        error instanceof Refusal && error.status === 404 ? null : undefined,
      );
    void Promise.all(wanted.split(",").map(read)).then((found) => {
      if (isGone) return;
      setRecords(found.flatMap((record) => record ?? []));
      if (found.includes(undefined)) again = setTimeout(() => setTries((before) => before + 1), RETRY_MILLISECONDS);
    });
    return () => {
      isGone = true;
      clearTimeout(again);
    };
  }, [wanted, tries]);
  if (total === 0) return <Empty>No task fits: there is nothing to do.</Empty>;
  return (
    <>
      <h2>The newest of them</h2>
      <Table label="The newest of them" heads={["State", "Task", "Sent"]}>
        {records.map((record) => (
          <tr key={record.id}>
            <td>
              <StateMark state={record.state} />
            </td>
            <td>
              <Named href={linkTo(["tasks", record.id])} name={record.task} id={record.id} />
            </td>
            <td>
              <When time={record.createdAt} />
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

/** The words of outcomes, and how many tasks have each. */
function outcomesOf(act: ShownAct): [keyof typeof OUTCOMES, number][] {
  const { done, skipped, failed, total } = act;
  return [
    ["waiting", total - acted(act)],
    ["done", done],
    ["skipped", skipped],
    ["failed", failed],
  ];
}

function Outcomes({ act }: { act: ActWithTasks }): JSX.Element | null {
  const { outcome } = route.value.query;
  if (act.total === 0) return null;
  return (
    <>
      <h2>Its tasks</h2>
      <nav class="chips" aria-label="Outcomes">
        <a href={linkTo(["activity", act.id])} aria-current={outcome === undefined ? "true" : undefined}>
          all
        </a>
        {outcomesOf(act).map(([name, tasks]) => (
          <a
            key={name}
            href={linkTo(["activity", act.id], { outcome: name })}
            aria-current={outcome === name ? "true" : undefined}
          >
            {OUTCOMES[name]} {count(Math.max(0, tasks))}
          </a>
        ))}
      </nav>
      <Table label="Its tasks" heads={["Outcome", "Id", "Replayed by", "Why"]}>
        {act.tasks.map(({ id, outcome, replayedBy, code, reason }) => (
          <tr key={id}>
            <td>{OUTCOMES[outcome]}</td>
            <td>
              <a class="id" href={linkTo(["tasks", id])}>
                {id}
              </a>
            </td>
            <td>
              {replayedBy !== undefined && (
                <a class="id" href={linkTo(["tasks", replayedBy])}>
                  {replayedBy}
                </a>
              )}
            </td>
            <td class="long">
              {code !== undefined && <code>{code}</code>} <bdi>{reason ?? ""}</bdi>
            </td>
          </tr>
        ))}
      </Table>
      {act.cursor !== undefined && (
        <button type="button" onClick={() => goTo(linkTo(["activity", act.id], { outcome, cursor: act.cursor }))}>
          More
        </button>
      )}
    </>
  );
}
