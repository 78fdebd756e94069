import type { JSX } from "preact";
import type { ActRecord } from "../../audit/trail.ts";
import { aboutOf, acted, isUnderWay, type ShownAct } from "../bulk.ts";
import { count } from "../format.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo, route } from "../route.ts";
import { Empty, Loading, Table, Trouble, When, Words } from "../ui.tsx";

const WORDS = { asked: "◐ asked; the outcome is unknown", done: "● done", refused: "▲ refused" } as const;

/** Acts of operators, newest first. */
export function ActivityPage(): JSX.Element {
  const { query } = route.value;
  const { data, error } = useLive<{ acts: ActRecord[]; searchedFrom: string; cursor?: string }>(
    pathOf(["activity"], { by: query.by, act: query.act, cursor: query.cursor }),
    { everySeconds: 5 },
  );
  const names = [...new Set(data?.acts.map(({ by }) => by))];
  return (
    <>
      <h1>Activity</h1>
      <BulkActs />
      <p class="dim">Acts of operators, kept for 90 days. An act whose write failed was not done.</p>
      <nav class="chips" aria-label="Names of keys">
        <a href={linkTo(["activity"])} aria-current={query.by === undefined ? "true" : undefined}>
          everybody
        </a>
        {names.map((name) => (
          <a key={name} href={linkTo(["activity"], { by: name })} aria-current={query.by === name ? "true" : undefined}>
            <bdi>{name}</bdi>
          </a>
        ))}
      </nav>
      <Trouble error={error} />
      {data === undefined ? <Loading /> : <Acts acts={data.acts} />}
      {data !== undefined && (
        <p class="end">
          Searched back to <When time={data.searchedFrom} exact />.{" "}
          {data.cursor !== undefined && (
            <button type="button" onClick={() => goTo(linkTo(["activity"], { ...query, cursor: data.cursor }))}>
              Older
            </button>
          )}
        </p>
      )}
    </>
  );
}

function Acts({ acts }: { acts: readonly ActRecord[] }): JSX.Element {
  if (acts.length === 0) return <Empty>Nobody has acted.</Empty>;
  return (
    <Table label="Acts" heads={["When", "Who", "Act", "On", "State", "Outcome"]}>
      {acts.map(({ id, at, by, act, target, state, outcome, sourceIp }) => (
        <tr key={id}>
          <td>
            <When time={at} exact />
          </td>
          <td title={sourceIp}>
            <bdi>{by}</bdi>
          </td>
          <td>{act}</td>
          <td class="long">
            <Words value={target} />
          </td>
          <td>{WORDS[state]}</td>
          <td class="long">{outcome !== undefined && <Words value={outcome} />}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The newest bulk acts, with how far they are. */
function BulkActs(): JSX.Element | null {
  const { data, error } = useLive<{ acts: ShownAct[] }>(pathOf(["bulk"], { limit: "10" }));
  if (data === undefined || data.acts.length === 0) return error ? <Trouble error={error} /> : null;
  return (
    <>
      <h2>Acts on many tasks</h2>
      <Table label="Acts on many tasks" heads={["When", "Who", "Act", "On", "State", { number: "Tasks" }, "Progress"]}>
        {data.acts.map((act) => (
          <tr key={act.id}>
            <td>
              <When time={act.at} />
            </td>
            <td>
              <bdi>{act.by}</bdi>
            </td>
            <td>
              <a href={linkTo(["activity", act.id])}>{act.act}</a>
            </td>
            <td class="long">
              <Words value={aboutOf(act)} />
            </td>
            <td>
              {isUnderWay(act) ? "◐ " : ""}
              {act.state}
            </td>
            <td class="number">{count(act.total)}</td>
            <td>
              <progress
                aria-label={`${act.act}: ${acted(act)} of ${act.total}`}
                value={acted(act)}
                max={Math.max(1, act.total)}
              />
            </td>
          </tr>
        ))}
      </Table>
      <h2>Every act</h2>
    </>
  );
}
