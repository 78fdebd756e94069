import type { JSX } from "preact";
import type { PastFiring } from "../../entries/history.ts";
import { isUtc } from "../format.ts";
import { may } from "../frame.tsx";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo, route } from "../route.ts";
import { type Entry, runWords, type Standing, standingOf } from "../schedule.ts";
import { Empty, Loading, Table, Trouble, When } from "../ui.tsx";
import { EntryActs } from "./entry-acts.tsx";
import { EntryForm } from "./entry-form.tsx";

const SECONDS = 4;

export function SchedulesPage(): JSX.Element {
  const { query } = route.value;
  const { prefix, cursor } = query;
  const path = pathOf(["schedules"], { prefix, cursor, limit: "50", runs: "10" });
  const { data, error, refresh } = useLive<{ schedules: Entry[]; cursor?: string }>(path, { everySeconds: SECONDS });
  if (query.form === "new" && may("operate")) return <EntryForm />;
  return (
    <>
      <div class="head">
        <h1>Schedules</h1>
        {may("operate") && (
          <div class="acts">
            <a class="button" href={linkTo(["schedules"], { form: "new" })}>
              New entry
            </a>
          </div>
        )}
      </div>
      <search class="filters">
        <label class="grow">
          <span class="hidden">Names that begin with</span>
          <input
            type="search"
            value={prefix ?? ""}
            placeholder="Names that begin with …"
            onInput={({ currentTarget }) => goTo(linkTo(["schedules"], { prefix: currentTarget.value }), true)}
          />
        </label>
      </search>
      <Trouble error={error} />
      {data === undefined ? (
        error === undefined && <Loading />
      ) : data.schedules.length === 0 ? (
        <Empty>
          {prefix
            ? "No entry has a name that begins so."
            : "No entry: an entry sends a task at its times, as cron does."}
        </Empty>
      ) : (
        <Rows entries={data.schedules} refresh={refresh} />
      )}
      {(cursor ?? data?.cursor) !== undefined && (
        <nav class="chips" aria-label="More entries">
          {cursor !== undefined && <a href={linkTo(["schedules"], { prefix })}>first page</a>}
          {data?.cursor !== undefined && <a href={linkTo(["schedules"], { prefix, cursor: data.cursor })}>next page</a>}
        </nav>
      )}
    </>
  );
}

function Rows({ entries, refresh }: { entries: readonly Entry[]; refresh: () => void }): JSX.Element {
  return (
    <Table label="Schedule entries" heads={["Entry", "Sends", "Schedule", "State", "Next", "Last runs", "Acts"]}>
      {entries.map((entry) => (
        <tr key={entry.name}>
          <td>
            <a href={linkTo(["schedules", entry.name])}>
              <bdi>{entry.name}</bdi>
            </a>{" "}
            <Kind isStatic={entry.static} />
          </td>
          <td>
            <Sends entry={entry} />
          </td>
          <td>
            <code>
              <bdi>{String(entry.schedule ?? "–")}</bdi>
            </code>
            <br />
            <span class="dim">{String(entry.timezone ?? "")}</span>
          </td>
          <td>
            <StandingMark standing={standingOf(entry)} />
          </td>
          <td>
            <When time={entry.next[0]} />
          </td>
          <td>
            <Strip runs={entry.runs ?? []} />
          </td>
          <td>
            <EntryActs entry={entry} refresh={refresh} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The task or workflow that an entry sends. */
export function Sends({ entry: { task, workflow } }: { entry: Entry }): JSX.Element {
  if (task === undefined) return <>{workflow === undefined ? "–" : "a workflow"}</>;
  return (
    <a href={linkTo(["tasks"], { q: `task:${String(task)}` })}>
      <bdi>{String(task)}</bdi>
    </a>
  );
}

/** The page of a run. */
export function runLink({ id, workflow }: { id: string; workflow?: true | undefined }): string {
  return linkTo([workflow ? "workflows" : "tasks", id]);
}

export function Kind({ isStatic }: { isStatic: boolean }): JSX.Element {
  return (
    <span class="badge" title={isStatic ? "The code declares it." : "It was made while the service runs."}>
      {isStatic ? "static" : "dynamic"}
    </span>
  );
}

const STANDINGS: Readonly<Record<Standing, string>> = {
  runs: "● fires",
  paused: "‖ paused",
  over: "■ over",
  broken: "▲ cannot be read",
};

export function StandingMark({ standing }: { standing: Standing }): JSX.Element {
  return (
    <span class={standing === "paused" ? "paused" : standing === "broken" ? "lost" : ""}>{STANDINGS[standing]}</span>
  );
}

/** The last runs as shapes, the newest at the right; each says its time and its outcome, and leads to its task. */
function Strip({ runs: all }: { runs: readonly PastFiring[] }): JSX.Element {
  // Before its first run there is nothing but what an entry would have done.
  const runs = all.slice(0, all.findLastIndex(({ outcome }) => outcome !== "unrecorded") + 1);
  if (runs.length === 0) return <span class="dim">none</span>;
  const zone = isUtc.value ? "UTC" : undefined;
  return (
    <span class="strip">
      {runs.toReversed().map((run) => {
        const { shape, sentence } = runWords(run, zone);
        const look = run.state === undefined ? "dim" : `state-${run.state.toLowerCase()}`;
        const hasTask = run.id !== undefined && run.state !== undefined;
        return hasTask ? (
          <a
            key={`${run.at} ${run.id}`}
            class={look}
            href={runLink({ ...run, id: run.id ?? "" })}
            title={sentence}
            aria-label={sentence}
          >
            {shape}
          </a>
        ) : (
          <span key={`${run.at} ${run.outcome}`} class={look} role="img" title={sentence} aria-label={sentence}>
            {shape}
          </span>
        );
      })}
    </span>
  );
}
