import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, Refusal } from "../api.ts";
import { readExact, writeExact } from "../json.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo } from "../route.ts";
import { type Entry, type Preview, type Rules, rulesOf } from "../schedule.ts";
import { Loading } from "../ui.tsx";
import { Field, Json, Text, Zone } from "./fields.tsx";
import { NextTimes, Notes } from "./preview.tsx";

/** Fields as they are typed. */
type Draft = Readonly<Record<string, string>>;

interface FieldsProps {
  draft: Draft;
  set: (field: string) => (value: string) => void;
}

const TEXTS = ["task", "schedule", "timezone", "description", "start", "end"] as const;
const CHOICES = ["skippedTime", "repeatedTime", "overlap", "catchUp"] as const;
const JSONS = ["payload", "workflow", "options"] as const;
const NUMBERS = ["jitter", "keepHistory"] as const;

const REST_MILLISECONDS = 300;

/** Makes an entry, or changes one: then it is changed only if it is still as it was when the form was opened. */
export function EntryForm({ entry }: { entry?: Entry }): JSX.Element {
  // The page asks for the entry again and again; what is typed stays.
  const [opened, setOpened] = useState(entry);
  const [name, setName] = useState(entry?.name ?? "");
  const [draft, setDraft] = useState<Draft>(() => toDraft(entry));
  const [isAsked, setAsked] = useState(false);
  const [error, setError] = useState<Error>();
  const set = (field: string) => (value: string) => setDraft((before) => ({ ...before, [field]: value }));

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (isAsked) return;
    setAsked(true);
    setError(undefined);
    try {
      if (opened === undefined) await refuseTaken(name);
      await call(pathOf(["schedules", name]), {
        method: "PUT",
        body: writeExact(toRules(draft, opened)),
        ...(opened?.edition !== undefined && { ifMatch: `"${opened.edition}"` }),
      });
      goTo(linkTo(["schedules", name]));
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setAsked(false);
    }
  };
  const reload = async (): Promise<void> => {
    const now = await call<Entry>(pathOf(["schedules", name]));
    setOpened(now);
    setDraft(toDraft(now));
    setError(undefined);
  };
  const isChanged = error instanceof Refusal && error.status === 412;
  return (
    <>
      <h1>
        {opened === undefined ? (
          "New schedule entry"
        ) : (
          <>
            Change <bdi>{opened.name}</bdi>
          </>
        )}
      </h1>
      <form class="entry" onSubmit={(event) => void submit(event)}>
        <div>
          {opened === undefined && (
            <Field label="Name">{(id) => <Text id={id} value={name} onChange={setName} isRequired />}</Field>
          )}
          <Sent draft={draft} set={set} />
          <Field label="Schedule" hint="30 2 * * *, cron(0 8 * * ? *), rate(5 minutes) or at(2027-01-01T08:00:00)">
            {(id) => <Text id={id} value={draft.schedule} onChange={set("schedule")} isRequired />}
          </Field>
          <Field label="Zone" hint="Such as Europe/Berlin; left empty it is the service's.">
            {(id) => <Zone id={id} value={draft.timezone} onChange={set("timezone")} />}
          </Field>
          <Field label="Description">
            {(id) => <Text id={id} value={draft.description} onChange={set("description")} />}
          </Field>
          <More draft={draft} set={set} />
          {error && (
            <p class="trouble" role="alert">
              {isChanged ? "Somebody has changed it since this form was opened, and nothing was written. " : ""}
              {error.message}{" "}
              {isChanged && (
                <button type="button" onClick={() => void reload()}>
                  Load it as it is now
                </button>
              )}
            </p>
          )}
          <div class="acts">
            <button type="submit" class="main" disabled={isAsked}>
              {isAsked ? "Asked …" : opened === undefined ? "Make it" : "Change it"}
            </button>
            <a class="button" href={linkTo(opened === undefined ? ["schedules"] : ["schedules", opened.name])}>
              Leave it
            </a>
          </div>
        </div>
        <LivePreview draft={draft} />
      </form>
    </>
  );
}

/** The choice between a task and a workflow, and the fields of the one. The service checks both as it does those that are sent at once. */
function Sent({ draft, set }: FieldsProps): JSX.Element {
  const index = useLive<{ tasks: string[] }>("./", { everySeconds: 60 });
  const tasks = [...new Set([...(index.data?.tasks ?? []), ...(draft.task ? [draft.task] : [])])];
  return (
    <>
      <Field label="Sends">
        {(id) => (
          <select id={id} value={draft.sends} onChange={({ currentTarget }) => set("sends")(currentTarget.value)}>
            <option value="task">a task</option>
            <option value="workflow">a workflow</option>
          </select>
        )}
      </Field>
      {draft.sends === "workflow" ? (
        <Field
          label="Workflow, as JSON"
          hint='Such as {"chain": [{"task": "…", "payload": {…}}, {"task": "…", "into": "…"}]}; "group" and "chord", too.'
        >
          {(id) => <Json id={id} value={draft.workflow} rows={12} onChange={set("workflow")} />}
        </Field>
      ) : (
        <>
          <Field label="Task">
            {(id) => (
              <select
                id={id}
                required
                value={draft.task}
                onChange={({ currentTarget }) => set("task")(currentTarget.value)}
              >
                <option value="">–</option>
                {tasks.map((task) => (
                  <option key={task}>{task}</option>
                ))}
              </select>
            )}
          </Field>
          <Field label="Payload, as JSON">
            {(id) => <Json id={id} value={draft.payload} onChange={set("payload")} />}
          </Field>
        </>
      )}
    </>
  );
}

/** An entry of that name would be replaced. @throws Error */
async function refuseTaken(name: string): Promise<void> {
  try {
    await call(pathOf(["schedules", name]));
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return;
    throw error;
  }
  throw new Error(`There is an entry '${name}' already: expected another name.`);
}

function toDraft(entry: Entry | undefined): Draft {
  const rules: Rules = entry === undefined ? {} : rulesOf(entry);
  const text = (value: unknown): string => (value === undefined ? "" : String(value));
  return {
    ...Object.fromEntries([...TEXTS, ...CHOICES, ...NUMBERS].map((name) => [name, text(rules[name])])),
    sends: rules.workflow === undefined ? "task" : "workflow",
    payload: rules.payload === undefined || rules.workflow !== undefined ? "{}" : writeExact(rules.payload),
    workflow: rules.workflow === undefined ? "" : writeExact(rules.workflow),
    options: rules.options === undefined ? "" : writeExact(rules.options),
  };
}

/** The fields of the form over those that the entry has and the form does not show. @throws SyntaxError */
function toRules(draft: Draft, entry: Entry | undefined): Rules {
  const filled = (names: readonly string[], read: (text: string) => unknown) =>
    names.flatMap((name) => (draft[name]?.trim() ? [[name, read(draft[name].trim())]] : []));
  const shown: readonly string[] = [...TEXTS, ...CHOICES, ...NUMBERS, ...JSONS];
  const hidden = Object.entries(entry === undefined ? {} : rulesOf(entry)).filter(([name]) => !shown.includes(name));
  const { task, payload, workflow, ...rules } = Object.fromEntries([
    ...hidden,
    ...filled([...TEXTS, ...CHOICES], (text) => text),
    ...filled(NUMBERS, Number),
    ...filled(JSONS, (text) => readExact(text)),
  ]);
  // Bounds of what is not made up for any more.
  if (draft.catchUp !== "all") delete rules.catchUpMax;
  if ((draft.catchUp ?? "none") === "none" || draft.catchUp === "") delete rules.catchUpAge;
  return draft.sends === "workflow" ? { ...rules, workflow } : { ...rules, task, payload };
}

/** Asked for a moment after the last key, and kept while a newer one is asked for. */
function LivePreview({ draft }: { draft: Draft }): JSX.Element {
  const { schedule, timezone, start, end, skippedTime, repeatedTime } = draft;
  const wanted = schedule
    ? pathOf(["schedule-preview"], { schedule, timezone, start, end, skippedTime, repeatedTime })
    : undefined;
  const [path, setPath] = useState(wanted);
  useEffect(() => {
    const timer = setTimeout(() => setPath(wanted), REST_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [wanted]);
  const { data, error } = useLive<Preview>(path, { everySeconds: 60 });
  return (
    <section aria-label="Preview">
      <h2>Next fire times</h2>
      {path === undefined ? (
        <p class="dim">They are shown as you type.</p>
      ) : error ? (
        <p class="trouble" role="status">
          {error instanceof Refusal ? error.message : "The service does not answer; it is asked again."}
        </p>
      ) : data === undefined ? (
        <Loading />
      ) : (
        <>
          <NextTimes times={data.next} timezone={data.timezone} />
          <Notes preview={data} />
        </>
      )}
    </section>
  );
}

function More({ draft, set }: FieldsProps): JSX.Element {
  const choice = (name: string, label: string, values: readonly string[]): JSX.Element => (
    <Field label={label}>
      {(id) => (
        <select id={id} value={draft[name]} onChange={({ currentTarget }) => set(name)(currentTarget.value)}>
          <option value="">as usual ({values[0]})</option>
          {values.slice(1).map((value) => (
            <option key={value}>{value}</option>
          ))}
          {draft[name] === values[0] && <option>{values[0]}</option>}
        </select>
      )}
    </Field>
  );
  const text = (name: string, label: string, type: "text" | "number" = "text"): JSX.Element => (
    <Field label={label}>{(id) => <Text id={id} type={type} value={draft[name]} onChange={set(name)} />}</Field>
  );
  return (
    <details>
      <summary>More rules</summary>
      {choice("overlap", "When the run before has not ended", ["allow", "skip", "queueOne", "cancel"])}
      {choice("catchUp", "Fire times that an outage has cost", ["none", "last", "all"])}
      {choice("skippedTime", "A time that the clock leaves out", ["skip", "runAfter"])}
      {choice("repeatedTime", "A time that the clock shows twice", ["once", "twice"])}
      {text("start", "Not before, such as 2027-01-01T00:00:00Z")}
      {text("end", "Not after")}
      {text("jitter", "Seconds by which starts are spread, 0 to 3600", "number")}
      {text("keepHistory", "Seconds that records of runs are kept", "number")}
      <Field label="Options of each call, as JSON">
        {(id) => <Json id={id} value={draft.options} onChange={set("options")} />}
      </Field>
    </details>
  );
}
