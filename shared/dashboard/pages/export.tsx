import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CSV_HEAD, csvLine, jsonLine } from "../export.ts";
import type { Search } from "../filter.ts";
import { count } from "../format.ts";
import { foundTasks } from "../task-list.ts";
import { Trouble } from "../ui.tsx";

const MOST = 10_000;

const FORMATS = {
  CSV: { type: "text/csv", suffix: "csv", head: CSV_HEAD, line: csvLine, values: false },
  "JSON Lines": { type: "application/jsonl", suffix: "jsonl", head: "", line: jsonLine, values: true },
} as const;

/** Files of what a search finds, up to 10,000 tasks. */
export function Export({ search, from }: { search: Search; from: string }): JSX.Element {
  const [done, setDone] = useState<number>();
  const [error, setError] = useState<Error>();
  const abort = useRef(new AbortController());
  useEffect(() => () => abort.current.abort(), []);

  const save = async (name: keyof typeof FORMATS): Promise<void> => {
    const { type, suffix, head, line, values } = FORMATS[name];
    abort.current = new AbortController();
    const { signal } = abort.current;
    const lines: string[] = [];
    setError(undefined);
    setDone(0);
    try {
      for await (const tasks of foundTasks(search, from, { values, signal })) {
        lines.push(...tasks.slice(0, MOST - lines.length).map(line));
        setDone(lines.length);
        if (lines.length === MOST) break;
      }
      download(new Blob([head, ...lines], { type }), `tasks.${suffix}`);
    } catch (failure) {
      if (!signal.aborted) setError(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      setDone(undefined);
    }
  };

  return (
    <details class="menu">
      <summary>Export</summary>
      <div class="sheet">
        {done === undefined ? (
          <>
            <span class="dim">All that the search finds, at most {count(MOST)}</span>
            {(["CSV", "JSON Lines"] as const).map((name) => (
              <button key={name} type="button" onClick={() => void save(name)}>
                {name}
              </button>
            ))}
          </>
        ) : (
          <span role="status">
            {count(done)} found …{" "}
            <button type="button" onClick={() => abort.current.abort()}>
              Stop
            </button>
          </span>
        )}
        <Trouble error={error} />
      </div>
    </details>
  );
}

function download(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
