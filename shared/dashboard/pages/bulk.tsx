import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { call, pathOf, Refusal } from "../api.ts";
import { may } from "../frame.tsx";
import { type TaskList, ticked } from "../task-list.ts";
import { ActButton, RateField } from "../ui.tsx";

interface Progress {
  verb: string;
  done: number;
  total: number;
  refused: readonly { id: string; reason: string }[];
}

const ACTS = {
  Revoke: (id: string) => call(pathOf(["tasks", id]), { method: "DELETE" }),
  Replay: (id: string) => call(pathOf(["tasks", id, "replay"]), { method: "POST" }),
} as const;

const A_SECOND = 1000;

/** Acts on the tasks that were ticked: by their ids, so that no other is hit, and no faster than the rate. */
export function BulkActs({ list }: { list: TaskList }): JSX.Element | null {
  const [progress, setProgress] = useState<Progress>();
  const [rate, setRate] = useState("10");
  const stopped = useRef(false);
  const ids = [...ticked.value];

  const run = (verb: keyof typeof ACTS) => async (): Promise<void> => {
    const [pause, refused] = [A_SECOND / Math.max(0.1, Number(rate) || 10), [] as { id: string; reason: string }[]];
    stopped.current = false;
    // The dialog closes; the rest happens in sight, below it.
    void (async () => {
      for (const [index, id] of ids.entries()) {
        if (stopped.current) break;
        const begun = performance.now();
        await ACTS[verb](id).catch((error: unknown) => {
          refused.push({ id, reason: error instanceof Refusal ? error.message : String(error) });
        });
        setProgress({ verb, done: index + 1, total: ids.length, refused: [...refused] });
        await new Promise((resolve) => setTimeout(resolve, pause - (performance.now() - begun)));
      }
      ticked.value = new Set();
      await list.look(false);
    })();
  };

  const one = ids.length === 1 ? "the selected task" : `the ${ids.length} selected tasks`;
  return (
    <>
      {ids.length > 0 && may("operate") && (
        <section class="bulk" aria-label="Selected tasks">
          <span>{ids.length} selected</span>
          <ActButton
            verb="Revoke"
            isDangerous
            sentence={`This revokes ${one}: those that wait never run, those that run are told to stop, those that have ended stay as they are.`}
            run={run("Revoke")}
          />
          <ActButton
            verb="Replay"
            sentence={`This runs ${one} again, each as a new task with the same payload, under the limits of its task. Those that have not ended are left out.`}
            run={run("Replay")}
          >
            <RateField rate={rate} most={100} onChange={setRate} />
          </ActButton>
          <button type="button" class="quiet" onClick={() => (ticked.value = new Set())}>
            None
          </button>
        </section>
      )}
      {progress && (
        <div class="bulk" role="status">
          <label>
            {progress.verb}: {progress.done} of {progress.total}, {progress.refused.length} refused{" "}
            <progress value={progress.done} max={progress.total} />
          </label>
          {progress.done < progress.total && (
            <button type="button" onClick={() => (stopped.current = true)}>
              Stop
            </button>
          )}
          {progress.refused.length > 0 && (
            <details>
              <summary>Refused</summary>
              <ul>
                {progress.refused.map(({ id, reason }) => (
                  <li key={id}>
                    <code>{id}</code> {reason}
                  </li>
                ))}
              </ul>
            </details>
          )}
        </div>
      )}
    </>
  );
}
