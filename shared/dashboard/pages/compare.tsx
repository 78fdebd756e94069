import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { differences, type Run } from "../compare.ts";
import { duration } from "../format.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { Empty, now, Table, When } from "../ui.tsx";
import { Section, type Shown } from "./task-parts.tsx";

/** Lets two runs be chosen, of this task and of those that it was replayed from or by, and says what differs. */
export function Compare({ record }: { record: Shown }): JSX.Element | null {
  const before = useLive<Shown>(record.replayOf && pathOf(["tasks", record.replayOf]), { everySeconds: 60 }).data;
  const after = useLive<Shown>(record.replayedBy && pathOf(["tasks", record.replayedBy]), { everySeconds: 15 }).data;
  const runs = [
    ...(before ? runsOf(before, "of the task that it replays") : []),
    ...runsOf(record, ""),
    ...(after ? runsOf(after, "of its replay") : []),
  ];
  const [chosen, setChosen] = useState<readonly [string?, string?]>([]);
  if (runs.length < 2) return null;
  const [left = runs.at(-2), right = runs.at(-1)] = chosen.map((name) => runs.find((run) => run.name === name));
  if (left === undefined || right === undefined) return null;
  return (
    <Section title="What differs between two attempts">
      <div class="acts">
        <Choice label="From" runs={runs} run={left} onChange={(name) => setChosen([name, right.name])} />
        <Choice label="To" runs={runs} run={right} onChange={(name) => setChosen([left.name, name])} />
      </div>
      <Differences left={left} right={right} />
    </Section>
  );
}

interface ChoiceProps {
  label: string;
  runs: readonly Run[];
  run: Run;
  onChange: (name: string) => void;
}

function Choice({ label, runs, run, onChange }: ChoiceProps): JSX.Element {
  return (
    <label>
      {label}{" "}
      <select value={run.name} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {runs.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Differences({ left, right }: { left: Run; right: Run }): JSX.Element {
  const rows = [
    { what: "Outcome", cells: [left.outcome, right.outcome] },
    { what: "Ran", cells: [ranFor(left), ranFor(right)] },
    { what: "Error", cells: [left.error?.name, right.error?.name] },
    { what: "Code of the error", cells: [left.error?.code, right.error?.code] },
    { what: "Message", cells: [left.error?.message, right.error?.message] },
    { what: "Version of the code", cells: [left.version, right.version] },
    ...differences(left.payload, right.payload).map(({ place, before, after }) => ({
      what: `Payload, ${place}`,
      cells: [before, after],
    })),
  ];
  const differ = rows.filter(({ cells: [a, b] }) => a !== b);
  const same = rows.filter(({ cells: [a, b] }) => a === b && a !== undefined);
  return (
    <>
      {differ.length === 0 ? (
        <Empty>They differ in nothing but their times.</Empty>
      ) : (
        <Table label="Differences" heads={["What", left.name, right.name]}>
          {differ.map(({ what, cells }) => (
            <tr key={what}>
              <th scope="row">
                <bdi>{what}</bdi>
              </th>
              {cells.map((cell, index) => (
                <td key={index} class="long">
                  <bdi>{cell ?? "–"}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
      <p class="dim">
        Started <When time={left.startedAt} exact /> and <When time={right.startedAt} exact />
        {same.length > 0 && `. The same: ${same.map(({ what }) => what.toLowerCase()).join(", ")}`}.
      </p>
    </>
  );
}

function ranFor({ startedAt, endedAt }: Run): string | undefined {
  if (startedAt === undefined) return undefined;
  const until = endedAt === undefined ? now.value : Date.parse(endedAt);
  return duration(Math.max(0, until - Date.parse(startedAt)));
}

/** The runs of a record, in their order: the last is the one that it tells of itself. */
function runsOf(record: Shown, whose: string): Run[] {
  const { attempts = [], payload, attempt, state, startedAt, finishedAt, error, version } = record;
  const name = (words: string): string => `${words} ${whose}`.trim();
  const earlier = attempts.map((run, index) => {
    const again = attempts.slice(0, index).filter((other) => other.attempt === run.attempt).length;
    const { attempt: number, ...rest } = run;
    return { ...rest, payload, name: name(`attempt ${number}${again > 0 ? `, again ${again}` : ""}`) };
  });
  // One that waits has not begun its next run.
  if (startedAt === undefined || state === "RETRY" || state === "PENDING") return earlier;
  const again = attempts.some((run) => run.attempt === attempt) ? ", last" : "";
  const last = { outcome: state.toLowerCase(), startedAt, endedAt: finishedAt, error, version, payload };
  return [...earlier, { ...last, name: name(`attempt ${attempt}${again}`) }];
}
