import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TaskRecord } from "../../results/record.ts";
import { FIELDS, readSearch } from "../../search.ts";
import { serviceNow } from "../clock.ts";
import { boundNow } from "../early.ts";
import { PERIODS, startOf, toSearch, USUAL_PERIOD, withTerm } from "../filter.ts";
import { duration } from "../format.ts";
import { isPaused, mayMove } from "../live.ts";
import { own } from "../own.ts";
import { goTo, linkTo, route } from "../route.ts";
import { noteOf } from "../rows.ts";
import { createTaskList, type TaskList, ticked } from "../task-list.ts";
import { Empty, Loading, Named, Scroll, STATES, StateMark, Trouble, When } from "../ui.tsx";
import { BulkActs } from "./bulk.tsx";
import { Export } from "./export.tsx";

const LOOK_SECONDS = 2;

const COLUMNS: Readonly<Record<string, { title: string; cell: (record: TaskRecord) => JSX.Element | string }>> = {
  sent: { title: "Sent", cell: ({ createdAt }) => <When time={createdAt} /> },
  waited: { title: "Waited", cell: ({ createdAt, startedAt }) => between(createdAt, startedAt) },
  ran: { title: "Ran", cell: ({ startedAt, finishedAt }) => between(startedAt, finishedAt) },
  ended: { title: "Ended", cell: ({ finishedAt }) => <When time={finishedAt} /> },
  queue: { title: "Queue", cell: ({ queue }) => queue },
  attempt: { title: "Attempt", cell: ({ attempt }) => String(attempt) },
  tags: { title: "Tags", cell: ({ tags = [] }) => <bdi>{tags.join(", ")}</bdi> },
  error: {
    title: "Error",
    cell: ({ error }) => <bdi>{error ? `${error.name}: ${error.message}`.slice(0, 160) : ""}</bdi>,
  },
};
const USUAL_COLUMNS = "sent,ran,queue,attempt,error";

function between(start: string | undefined, end: string | undefined): string {
  if (start === undefined || end === undefined) return "–";
  return duration(Date.parse(end) - Date.parse(start));
}

export function TasksPage(): JSX.Element {
  const { query } = route.value;
  const { q = "", period = USUAL_PERIOD, columns = USUAL_COLUMNS } = query;
  const [typed, setTyped] = useState(q);
  const shownColumns = columns.split(",").filter((name) => Object.hasOwn(COLUMNS, name));
  const { terms, unknown } = useMemo(() => readSearch(q), [q]);
  const search = useMemo(() => toSearch(terms), [terms]);
  const from = useMemo(() => startOf(period, boundNow(serviceNow())), [period, q]);
  const list = useMemo(() => createTaskList(search, { from }), [search, from]);
  const table = useRef<HTMLDivElement>(null);

  useEffect(() => {
    setTyped(q);
  }, [q]);
  useEffect(() => {
    ticked.value = new Set();
    void list.more();
    let timer: ReturnType<typeof setTimeout>;
    const look = async (): Promise<void> => {
      if (!document.hidden && !isPaused.peek()) await list.look(mayMove(table.current));
      timer = setTimeout(() => void look(), LOOK_SECONDS * 1000);
    };
    timer = setTimeout(() => void look(), LOOK_SECONDS * 1000);
    return () => {
      clearTimeout(timer);
      list.close();
    };
  }, [list]);

  const show = (changes: Record<string, string | undefined>, replace = false): void =>
    goTo(linkTo(["tasks"], { ...query, ...changes }), replace);
  const submit = (event: Event): void => {
    event.preventDefault();
    show({ q: typed });
  };
  const state = terms.find((term) => term.field === "state" && !term.negated)?.values;

  return (
    <>
      <h1>Tasks</h1>
      <search>
        <form class="filters" onSubmit={submit}>
          <label class="grow">
            <span class="hidden">Search</span>
            <input
              type="search"
              value={typed}
              placeholder="state:FAILURE -task:add tag:customer-7 text"
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
          <button type="submit">Search</button>
          <label>
            <span class="hidden">Period</span>
            <select value={period} onChange={(event) => show({ period: event.currentTarget.value })}>
              {Object.entries(PERIODS).map(([name, { title }]) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <details class="menu">
            <summary>Columns</summary>
            <div class="sheet">
              {Object.entries(COLUMNS).map(([name, { title }]) => (
                <label key={name}>
                  <input
                    type="checkbox"
                    checked={shownColumns.includes(name)}
                    onChange={() => show({ columns: toggled(shownColumns, name).join(",") })}
                  />{" "}
                  {title}
                </label>
              ))}
            </div>
          </details>
          <Export search={search} from={from} />
        </form>
      </search>
      <nav class="chips" aria-label="States">
        <a
          href={linkTo(["tasks"], { ...query, q: withTerm(q, "state", undefined) })}
          aria-current={state ? undefined : "true"}
        >
          all
        </a>
        {STATES.map((name) => (
          <a
            key={name}
            href={linkTo(["tasks"], { ...query, q: withTerm(q, "state", name) })}
            aria-current={state?.includes(name) ? "true" : undefined}
          >
            <StateMark state={name} />
          </a>
        ))}
      </nav>
      {unknown.length > 0 && (
        <p class="trouble" role="alert">
          There is no field '{unknown[0]}': expected {FIELDS.join(", ")}.
        </p>
      )}
      <Trouble error={list.error.value} />
      <BulkActs search={search} from={from} />
      <div ref={table}>
        <Rows list={list} columns={shownColumns} query={query} />
      </div>
      <End list={list} period={own(PERIODS, period)?.title ?? period} />
    </>
  );
}

function toggled(names: readonly string[], name: string): string[] {
  const all = Object.keys(COLUMNS);
  const wanted = names.includes(name) ? names.filter((one) => one !== name) : [...names, name];
  return all.filter((one) => wanted.includes(one));
}

function Rows({
  list,
  columns,
  query,
}: {
  list: TaskList;
  columns: string[];
  query: Readonly<Record<string, string>>;
}): JSX.Element {
  const rows = list.rows.value;
  const waiting = list.waiting.value.length;
  if (rows.length === 0) {
    if (list.isSearching.value || (!list.isComplete.value && list.error.value === undefined)) return <Loading />;
    return waiting > 0 ? <NewRows list={list} /> : <Empty>No task fits.</Empty>;
  }
  const tick = (id: string): void => {
    const next = new Set(ticked.value);
    if (!next.delete(id)) next.add(id);
    ticked.value = next;
  };
  const areAll = rows.every(({ id }) => ticked.value.has(id));
  const { q = "" } = query;
  return (
    <>
      {waiting > 0 && <NewRows list={list} />}
      <Scroll label="Tasks">
        <table class="rows">
          <thead>
            <tr>
              <th>
                <input
                  type="checkbox"
                  aria-label="All rows that are shown"
                  checked={areAll}
                  onChange={() => (ticked.value = new Set(areAll ? [] : rows.map(({ id }) => id)))}
                />
              </th>
              <th>State</th>
              <th>Task</th>
              {columns.map((name) => (
                <th key={name}>{COLUMNS[name]?.title}</th>
              ))}
              <th>
                <span class="hidden">Leave out</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((record) => (
              <tr key={record.id} class={ticked.value.has(record.id) ? "ticked" : ""}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Task ${record.id}`}
                    checked={ticked.value.has(record.id)}
                    onChange={() => tick(record.id)}
                  />
                </td>
                <td>
                  <StateMark state={record.state} note={noteOf(record)} />
                </td>
                <td>
                  <Named href={linkTo(["tasks", record.id])} name={record.task} id={record.id} />
                </td>
                {columns.map((name) => (
                  <td key={name} class={name === "error" ? "long" : ""}>
                    {COLUMNS[name]?.cell(record)}
                  </td>
                ))}
                <td>
                  <a
                    class="quiet"
                    title={`Leave out tasks named ${record.task}`}
                    aria-label={`Leave out tasks named ${record.task}`}
                    href={linkTo(["tasks"], { ...query, q: withTerm(q, "task", record.task, true) })}
                  >
                    ≠
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  );
}

function NewRows({ list }: { list: TaskList }): JSX.Element {
  return (
    <button type="button" class="new" onClick={() => list.showWaiting()}>
      {list.waiting.value.length} new
    </button>
  );
}

/** How far the list goes, and the way further. */
function End({ list, period }: { list: TaskList; period: string }): JSX.Element | null {
  const { rows, isSearching, isComplete, searchedTo } = list;
  if (isSearching.value) {
    return (
      <p class="end" role="status">
        Searching
        {searchedTo.value !== undefined && (
          <>
            {" "}
            … back to <When time={searchedTo.value} exact />
          </>
        )}{" "}
        <button type="button" onClick={() => list.stop()}>
          Stop
        </button>
      </p>
    );
  }
  if (searchedTo.value === undefined) return null;
  return (
    <p class="end">
      {rows.value.length} shown of the {period}, searched back to <When time={searchedTo.value} exact />.{" "}
      {!isComplete.value && (
        <button type="button" onClick={() => void list.more()}>
          More
        </button>
      )}
    </p>
  );
}
