import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ListedWorkflow, WorkflowPage } from "../../canvas/list.ts";
import { call } from "../api.ts";
import { count } from "../format.ts";
import { mayMove, useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo, route } from "../route.ts";
import { Empty, Loading, Named, StateMark, Table, Trouble, When } from "../ui.tsx";

const STATES = ["PENDING", "SUCCESS", "FAILURE", "REVOKED"] as const;
const PAGE = "50";

export function WorkflowsPage(): JSX.Element {
  const { query } = route.value;
  const { state = "", q = "" } = query;
  const { rows, waiting, ...list } = useWorkflows(state);
  const wanted = q.toLowerCase();
  const fits = rows.filter(({ id, title }) => `${title} ${id}`.toLowerCase().includes(wanted));
  return (
    <>
      <h1>Workflows</h1>
      <search class="filters">
        <label class="grow">
          <span class="hidden">Search names and ids of the rows that are shown</span>
          <input
            type="search"
            value={q}
            placeholder="Name of a task, or an id"
            onInput={({ currentTarget }) =>
              goTo(linkTo(["workflows"], { ...query, q: currentTarget.value.trimStart() }), true)
            }
          />
        </label>
      </search>
      <nav class="chips" aria-label="States">
        <a
          href={linkTo(["workflows"], { ...query, state: undefined })}
          aria-current={state === "" ? "true" : undefined}
        >
          all
        </a>
        {STATES.map((name) => (
          <a
            key={name}
            href={linkTo(["workflows"], { ...query, state: name })}
            aria-current={state === name ? "true" : undefined}
          >
            <StateMark state={name} />
          </a>
        ))}
      </nav>
      <Trouble error={list.error} />
      {waiting > 0 && (
        <button type="button" class="new" onClick={list.showWaiting}>
          {waiting} new
        </button>
      )}
      <div ref={list.table}>
        {fits.length > 0 ? (
          <Rows workflows={fits} />
        ) : list.searchedFrom === undefined ? (
          list.error === undefined && <Loading />
        ) : (
          <Empty>
            No workflow fits. <code>chain</code>, <code>group</code>, <code>chord</code> and <code>each</code> make one.
          </Empty>
        )}
      </div>
      <p class="end">
        {count(fits.length)} shown
        {list.searchedFrom !== undefined && (
          <>
            {" "}
            of those sent since <When time={list.searchedFrom} exact />
          </>
        )}
        .{" "}
        {list.more && (
          <button type="button" onClick={() => void list.more?.()}>
            More
          </button>
        )}
      </p>
    </>
  );
}

/** Rows of this state: the newest page is asked for again and again, those after it once. New ones wait while somebody reads. */
function useWorkflows(state: string) {
  const path = (cursor?: string): string => pathOf(["workflows"], { state, limit: PAGE, cursor });
  const { data, error } = useLive<WorkflowPage>(path());
  const table = useRef<HTMLDivElement>(null);
  const [older, setOlder] = useState<{ pages: readonly ListedWorkflow[]; cursor?: string }>();
  const [trouble, setTrouble] = useState<Error>();
  const [shown, setShown] = useState<ReadonlySet<string>>();

  useEffect(() => {
    setOlder(undefined);
    setShown(undefined);
  }, [state]);
  const newest = data?.workflows;
  const ids = useMemo(() => new Set(newest?.map(({ id }) => id)), [newest]);
  useEffect(() => {
    if (newest !== undefined && (shown === undefined || mayMove(table.current))) setShown(ids);
  }, [ids]);

  const byId = new Map([...(older?.pages ?? []), ...(newest ?? [])].map((one) => [one.id, one]));
  const all = [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const seen = (id: string): boolean => shown === undefined || shown.has(id) || !ids.has(id);
  const cursor = older === undefined ? data?.cursor : older.cursor;
  const more = async (): Promise<void> => {
    try {
      const page = await call<WorkflowPage>(path(cursor));
      // The first page moves on while one reads: what was on it is kept.
      setOlder((before) => ({
        pages: [...(before?.pages ?? newest ?? []), ...page.workflows],
        ...(page.cursor !== undefined && { cursor: page.cursor }),
      }));
      setTrouble(undefined);
    } catch (failure) {
      setTrouble(failure instanceof Error ? failure : new Error(String(failure)));
    }
  };
  return {
    rows: all.filter(({ id }) => seen(id)),
    waiting: all.filter(({ id }) => !seen(id)).length,
    showWaiting: () => setShown(ids),
    searchedFrom: data?.searchedFrom,
    error: error ?? trouble,
    ...(cursor !== undefined && { more }),
    table,
  };
}

function Rows({ workflows }: { workflows: readonly ListedWorkflow[] }): JSX.Element {
  return (
    <Table label="Workflows" heads={["State", "Workflow", "Progress", { number: "Failed" }, "Sent", "Ended"]}>
      {workflows.map((workflow) => (
        <tr key={workflow.id}>
          <td>
            <StateMark state={workflow.state} />
          </td>
          <td>
            <Named href={linkTo(["workflows", workflow.id])} name={workflow.title} id={workflow.id} />
            {workflow.replaces !== undefined && (
              <>
                {" "}
                <a class="dim" href={linkTo(["tasks", workflow.replaces])}>
                  in the place of a task
                </a>
              </>
            )}
          </td>
          <td>
            <Progress workflow={workflow} />
          </td>
          <td class="number">{workflow.failed ? count(workflow.failed) : "–"}</td>
          <td>
            <When time={workflow.sentAt} />
          </td>
          <td>
            <When time={workflow.finishedAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Progress({ workflow: { parts, ended = 0, title } }: { workflow: ListedWorkflow }): JSX.Element {
  if (parts === undefined) return <span class="dim">not known yet</span>;
  return (
    <>
      <progress class="done-bar" aria-label={`Progress of ${title}`} value={ended} max={Math.max(1, parts)} />{" "}
      {count(ended)} of {count(parts)}
    </>
  );
}
