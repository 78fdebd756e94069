import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { uuidv7 } from "uuidv7";
import type { TaskState } from "../../results/record.ts";
import { makeAct } from "../bulk.ts";
import type { Search } from "../filter.ts";
import { count } from "../format.ts";
import { may } from "../frame.tsx";
import { goTo, linkTo } from "../route.ts";
import { foundTasks, ticked } from "../task-list.ts";
import { ActButton, RateField } from "../ui.tsx";
import { ActUnderWay } from "./bulk-act.tsx";

const FINAL: readonly TaskState[] = ["SUCCESS", "FAILURE", "REVOKED"];

/** The most ids of one act. */
const MAX_IDS = 10_000;

/** Makes acts of what the viewer wants: however often it is pressed, until it has succeeded, it is one act. */
export function useActs(): (wanted: Parameters<typeof makeAct>[1]) => Promise<string> {
  const [id, wantedBefore] = [useRef(""), useRef("")];
  return async (wanted) => {
    const text = JSON.stringify(wanted);
    if (id.current === "" || wantedBefore.current !== text) [id.current, wantedBefore.current] = [uuidv7(), text];
    const made = await makeAct(id.current, wanted);
    id.current = "";
    return made.id;
  };
}

/** Acts on the tasks that were ticked, by their ids, and on all that a search finds, of which somebody looks at the number first. */
export function BulkActs({ search, from }: { search: Search; from: string }): JSX.Element | null {
  const [rate, setRate] = useState("10");
  const [made, setMade] = useState<string>();
  const make = useActs();
  /** While the page itself looks for the tasks of an act: how many it has. */
  const [found, setFound] = useState<number>();
  const abort = useRef(new AbortController());
  // Another search, or another page, needs them no more.
  useEffect(() => {
    abort.current = new AbortController();
    return () => abort.current.abort();
  }, [search]);
  const ids = [...ticked.value].slice(0, MAX_IDS);

  const actOnTicked = (act: "revoke" | "replay") => async (): Promise<void> => {
    setMade(await make({ act, ids, rate: Number(rate), start: true }));
    ticked.value = new Set();
  };
  /** An act's filter has the parameters of a list, but no search. */
  const isLookedFor = search.keep !== undefined || search.query.search !== undefined;
  /** A search beyond that is done by the page, to its end; the act is about the ids that it has found. */
  const idsFound = async (act: "revoke" | "replay"): Promise<string[]> => {
    const isMeant = (state: TaskState): boolean =>
      act === "revoke" ? !FINAL.includes(state) : search.hasStates ? FINAL.includes(state) : state === "FAILURE";
    const { signal } = abort.current;
    const found: string[] = [];
    setFound(0);
    try {
      for await (const tasks of foundTasks(search, from, { values: false, signal })) {
        found.push(...tasks.filter(({ state }) => isMeant(state)).map(({ id }) => id));
        setFound(Math.min(MAX_IDS, found.length));
        if (found.length >= MAX_IDS) break;
      }
    } finally {
      setFound(undefined);
    }
    if (found.length === 0) throw new Error("No task fits: there is nothing to do.");
    return found.slice(0, MAX_IDS);
  };
  const actOnFound = (act: "revoke" | "replay") => async (): Promise<void> => {
    const about = isLookedFor ? { ids: await idsFound(act) } : { filter: { ...search.query, from } };
    goTo(linkTo(["activity", await make({ act, ...about, rate: Number(rate), start: false })]));
  };
  if (!may("operate")) return null;

  const rateField = <RateField rate={rate} most={1000} onChange={setRate} />;
  const looking = !isLookedFor ? null : (
    <p class="dim" role="status">
      {found === undefined
        ? `The page looks for them, all through the period, and takes the newest ${count(MAX_IDS)}.`
        : `${count(found)} found …`}
    </p>
  );
  const one = ids.length === 1 ? "the selected task" : `the ${ids.length} selected tasks`;
  return (
    <>
      {ids.length > 0 ? (
        <section class="bulk" aria-label="Selected tasks">
          <span>{ids.length} selected</span>
          <ActButton
            verb="Revoke"
            isDangerous
            sentence={`This revokes ${one}: those that wait never run, those that run are told to stop, those that have ended stay as they are.`}
            run={actOnTicked("revoke")}
          >
            {rateField}
          </ActButton>
          <ActButton
            verb="Replay"
            sentence={`This runs ${one} again, each as a new task with the same payload, under the limits of its task. Those that have not ended are left out.`}
            run={actOnTicked("replay")}
          >
            {rateField}
          </ActButton>
          <button type="button" class="quiet" onClick={() => (ticked.value = new Set())}>
            None
          </button>
        </section>
      ) : (
        <section class="bulk" aria-label="All tasks that are found">
          <ActButton
            verb="Revoke all found"
            isDangerous
            sentence="This finds all tasks of the search that have not ended, and shows how many they are. Nothing is done before you have seen them."
            run={actOnFound("revoke")}
          >
            {rateField}
            {looking}
          </ActButton>
          <ActButton
            verb="Replay all found"
            sentence="This finds all tasks of the search that have failed, or are in the states that it names, and shows how many they are. Nothing is done before you have seen them."
            run={actOnFound("replay")}
          >
            {rateField}
            {looking}
          </ActButton>
        </section>
      )}
      {made !== undefined && <ActUnderWay key={made} id={made} />}
    </>
  );
}
