import type { JSX } from "preact";
import type { PastFiring } from "../../entries/history.ts";
import { Refusal } from "../api.ts";
import { may } from "../frame.tsx";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { route } from "../route.ts";
import { type Entry, type Preview, rulesOf, standingOf } from "../schedule.ts";
import { Empty, Fact, JsonView, Loading, StateMark, Table, Trouble, When } from "../ui.tsx";
import { EntryActs } from "./entry-acts.tsx";
import { EntryForm } from "./entry-form.tsx";
import { NextTimes, Notes } from "./preview.tsx";
import { Kind, runLink, Sends, StandingMark } from "./schedules.tsx";

const PREVIEW_SECONDS = 60;

export function SchedulePage({ id: name }: { id: string }): JSX.Element {
  const { data: entry, error, refresh } = useLive<Entry>(pathOf(["schedules", name]));
  if (entry === undefined) {
    const isGone = error instanceof Refusal && error.status === 404;
    return (
      <>
        <h1>Schedule entry</h1>
        {isGone ? (
          <Empty>
            There is no entry <bdi>{name}</bdi>: it was never made, or it was deleted.
          </Empty>
        ) : (
          (error && <Trouble error={error} />) || <Loading />
        )}
      </>
    );
  }
  if (route.value.query.form === "edit" && !entry.static && may("operate")) return <EntryForm entry={entry} />;
  return (
    <>
      <div class="head">
        <h1>
          <bdi>{name}</bdi> <StandingMark standing={standingOf(entry)} /> <Kind isStatic={entry.static} />
        </h1>
        <EntryActs entry={entry} refresh={refresh} isPage />
      </div>
      <Trouble error={error} />
      {entry.broken !== undefined && (
        <p class="trouble" role="alert">
          <bdi>{entry.broken}</bdi>
        </p>
      )}
      {entry.description !== undefined && (
        <p>
          <bdi>{String(entry.description)}</bdi>
        </p>
      )}
      <Facts entry={entry} />
      {entry.schedule !== undefined && <Future entry={entry} />}
      <h2>Runs</h2>
      <Runs runs={entry.runs ?? []} />
      {entry.workflow === undefined ? (
        <>
          <h2>Payload</h2>
          <JsonView value={entry.payload ?? null} label="Payload" />
        </>
      ) : (
        <>
          <h2>Workflow</h2>
          <JsonView value={entry.workflow} label="Workflow" />
        </>
      )}
    </>
  );
}

const SHOWN: readonly string[] = ["task", "workflow", "schedule", "timezone", "payload", "description", "enabled"];

function Facts({ entry }: { entry: Entry }): JSX.Element {
  const rules = Object.entries(rulesOf(entry)).filter(
    ([name, value]) => !SHOWN.includes(name) && JSON.stringify(value) !== "{}",
  );
  return (
    <dl class="facts">
      <Fact label="Sends">
        <Sends entry={entry} />
      </Fact>
      <Fact label="Schedule">
        <code>
          <bdi>{String(entry.schedule ?? "–")}</bdi>
        </code>
      </Fact>
      <Fact label="Zone">{String(entry.timezone ?? "–")}</Fact>
      {entry.changedAt !== undefined && (
        <Fact label="Changed">
          <When time={entry.changedAt} exact />
        </Fact>
      )}
      {rules.map(([name, value]) => (
        <Fact key={name} label={name}>
          <bdi>{typeof value === "object" ? JSON.stringify(value) : String(value)}</bdi>
        </Fact>
      ))}
    </dl>
  );
}

function Future({ entry }: { entry: Entry }): JSX.Element {
  const text = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));
  const path = pathOf(["schedule-preview"], {
    schedule: text(entry.schedule),
    timezone: text(entry.timezone),
    start: text(entry.start),
    end: text(entry.end),
    skippedTime: text(entry.skippedTime),
    repeatedTime: text(entry.repeatedTime),
  });
  const { data } = useLive<Preview>(path, { everySeconds: PREVIEW_SECONDS });
  return (
    <>
      <h2>Next</h2>
      {entry.enabled === false ? (
        <>
          <p class="why">It is paused: these are the times at which it would fire.</p>
          <NextTimes times={data?.next ?? []} timezone={String(entry.timezone)} />
        </>
      ) : (
        <NextTimes times={entry.next} timezone={String(entry.timezone)} />
      )}
      {data && <Notes preview={data} />}
    </>
  );
}

function Runs({ runs }: { runs: readonly PastFiring[] }): JSX.Element {
  if (runs.length === 0) return <Empty>It has not fired yet, as far as its history is kept.</Empty>;
  return (
    <Table label="Runs" heads={["Fire time", "Outcome", "Task", "Ended", "Reason"]}>
      {runs.map(({ at, until, outcome, state, id, workflow, finishedAt, count, reason }) => (
        <tr key={`${at} ${outcome} ${id}`}>
          <td>
            <When time={at} exact />
            {until !== undefined && (
              <>
                {" "}
                to <When time={until} exact />
              </>
            )}
          </td>
          <td>
            {state === undefined ? (
              outcome
            ) : (
              <StateMark state={state} note={outcome === "manual" ? "by hand" : undefined} />
            )}
            {count !== undefined && ` (${count} fire times)`}
          </td>
          <td>
            {id !== undefined && state !== undefined ? (
              <a class="id" href={runLink({ id, workflow })}>
                {id.slice(0, 13)}…
              </a>
            ) : (
              "–"
            )}
          </td>
          <td>
            <When time={finishedAt} />
          </td>
          <td class="long">
            <bdi>{reason ?? ""}</bdi>
          </td>
        </tr>
      ))}
    </Table>
  );
}
