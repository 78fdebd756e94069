import type { JSX } from "preact";
import type { ActRecord } from "../../audit/trail.ts";
import { pathOf } from "../api.ts";
import { writeExact } from "../json.ts";
import { useLive } from "../live.ts";
import { goTo, linkTo, route } from "../route.ts";
import { Empty, Loading, Table, Trouble, When } from "../ui.tsx";

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

/** An object in one line. */
function Words({ value }: { value: unknown }): JSX.Element {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [["", value] as const];
  return (
    <bdi>
      {entries.map(([name, one]) => `${name} ${typeof one === "string" ? one : writeExact(one)}`.trim()).join(", ")}
    </bdi>
  );
}
