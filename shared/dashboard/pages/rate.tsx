import type { JSX } from "preact";
import { count, duration, isUtc, moment } from "../format.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import {
  type Bar,
  type ByState,
  type ByTask,
  barsOf,
  ENDS,
  PERIODS,
  type Period,
  STEP_MILLISECONDS,
  taskRows,
} from "../rate.ts";
import { linkTo, route } from "../route.ts";
import { Loading, now, StateMark, Table, Trouble } from "../ui.tsx";
import type { Decision } from "../why.ts";

const WIDTH = 1000;
const HEIGHT = 120;
const GAP = 0.15;
const ROWS = 20;

function isPeriod(name: string): name is Period {
  return Object.hasOwn(PERIODS, name);
}

/** How many tasks ended, by time and by task, over the period that the address names. */
export function Rate({ decisions }: { decisions: readonly Decision[] }): JSX.Element {
  const { period: asked = "hour" } = route.value.query;
  const period = isPeriod(asked) ? asked : "hour";
  const { step, hours } = PERIODS[period];
  // It moves on with the step, so that a question stays the same until then.
  const size = STEP_MILLISECONDS[step];
  const from = new Date(Math.floor(now.value / size) * size - (hours * STEP_MILLISECONDS.hour - size)).toISOString();
  const path = (by: string): string => pathOf(["counts"], { from, step, by });
  const states = useLive<ByState>(path("state"), { everySeconds: 5 });
  const tasks = useLive<ByTask>(path("task"), { everySeconds: 5 });
  return (
    <section aria-label="Rate">
      <h2>Ended, by the {step}</h2>
      <nav class="chips" aria-label="Period">
        {Object.keys(PERIODS).map((name) => (
          <a key={name} href={linkTo([], { period: name })} aria-current={name === period ? "true" : undefined}>
            last {name}
          </a>
        ))}
      </nav>
      <Trouble error={states.error ?? tasks.error} />
      {states.data === undefined ? <Loading /> : <Chart counted={states.data} decisions={decisions} />}
      {tasks.data !== undefined && <ByTaskTable rows={taskRows(tasks.data)} />}
    </section>
  );
}

function Chart({ counted, decisions }: { counted: ByState; decisions: readonly Decision[] }): JSX.Element {
  const bars = barsOf(counted);
  const most = Math.max(1, ...bars.map(({ total }) => total));
  const [first, last] = [bars[0]?.at ?? 0, Date.parse(counted.to)];
  const time = (at: number): string => moment(at, isUtc.value ? "UTC" : undefined).slice(0, 16);
  const totals = ENDS.map((state) => ({
    state,
    total: bars.reduce((sum, { counts }) => sum + (counts[state] ?? 0), 0),
  }));
  const sentence = totals.map(({ state, total }) => `${count(total)} ${state}`).join(", ");
  const x = (at: number): number => ((at - first) / (bars.length * STEP_MILLISECONDS[counted.step])) * WIDTH;
  const marked = decisions.filter(({ at }) => Date.parse(at) >= first && Date.parse(at) <= last);
  return (
    <figure class="rate">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`About ${sentence}`}>
        {bars.map((bar) => (
          <Stack key={bar.at} bar={bar} x={x(bar.at)} width={WIDTH / bars.length} most={most} title={time(bar.at)} />
        ))}
        {marked.map(({ kind, scope, name, at }) => (
          <line key={`${kind} ${scope} ${name}`} x1={x(Date.parse(at))} x2={x(Date.parse(at))} y1={0} y2={HEIGHT}>
            <title>{`${kind} of ${scope} ${name}, ${time(Date.parse(at))}`}</title>
          </line>
        ))}
      </svg>
      <figcaption>
        <span>{time(first)}</span>
        <span>
          {totals
            .filter(({ total }) => total > 0)
            .map(({ state, total }) => (
              <span key={state}>
                <StateMark state={state} /> {count(total)}{" "}
              </span>
            ))}
          · at most {count(most)} in {counted.step === "hour" ? "an hour" : "a minute"}
          {" · the newest minute is not complete"}
          {marked.length > 0 && " · dashed: a decision of an operator"}
        </span>
        <span>{time(last)}</span>
      </figcaption>
    </figure>
  );
}

function Stack(props: { bar: Bar; x: number; width: number; most: number; title: string }): JSX.Element {
  const { bar, x, width, most, title } = props;
  let y = HEIGHT;
  const known = ENDS.filter((state) => (bar.counts[state] ?? 0) > 0);
  return (
    <g>
      <title>{`${title}: ${known.map((state) => `${count(bar.counts[state] ?? 0)} ${state}`).join(", ") || "nothing"}`}</title>
      <rect class="ground" x={x} y={0} width={width} height={HEIGHT} />
      {known.map((state) => {
        const height = ((bar.counts[state] ?? 0) / most) * HEIGHT;
        y -= height;
        return (
          <rect
            key={state}
            class={`state-${state.toLowerCase()}`}
            x={x + width * GAP}
            y={y}
            width={width * (1 - 2 * GAP)}
            height={height}
          />
        );
      })}
    </g>
  );
}

function share(part: number): string {
  return part < 0.001 ? "under 0.1 %" : `${Number((part * 100).toFixed(1))} %`;
}

function ByTaskTable({ rows }: { rows: ReturnType<typeof taskRows> }): JSX.Element | null {
  if (rows.length === 0) return null;
  const heads = ["Ended", "Failed", "Retried", "Mean wait", "Mean run", "Longest run"].map((number) => ({ number }));
  const time = (milliseconds: number | undefined): string =>
    milliseconds === undefined ? "–" : duration(milliseconds);
  return (
    <>
      <Table label="Ended by task" heads={["Task", ...heads]}>
        {rows.slice(0, ROWS).map(({ task, ended, failed, retried, meanWait, meanRun, longestRun }) => (
          <tr key={task}>
            <td>
              <a href={linkTo(["tasks"], { q: `task:${task}` })}>
                <bdi>{task}</bdi>
              </a>
            </td>
            <td class="number">{count(ended)}</td>
            <td class={failed > 0 ? "number state-failure" : "number"}>
              {failed > 0 ? `▲ ${share(failed / ended)} · ${count(failed)}` : 0}
            </td>
            <td class="number">{count(retried)}</td>
            <td class="number">{time(meanWait)}</td>
            <td class="number">{time(meanRun)}</td>
            <td class="number">{time(longestRun)}</td>
          </tr>
        ))}
      </Table>
      {rows.length > ROWS && <p class="dim">{count(rows.length - ROWS)} more tasks.</p>}
    </>
  );
}
