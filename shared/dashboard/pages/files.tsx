import type { JSX } from "preact";
import type { TaskRecord } from "../../results/record.ts";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { Scroll } from "../ui.tsx";

interface Upload {
  filename?: string;
  original?: string;
  links: Record<string, string>;
}

/** Links are good for 15 minutes. */
const LINKS_SECONDS = 600;
const IMAGE = /\.(png|jpe?g|webp|gif|avif)$/i;
const MAX_COLUMNS = 200;

/** The file of an upload's task, and what was made of it. */
export function FilesOf({ record }: { record: TaskRecord }): JSX.Element | null {
  const { payload } = record;
  const key = typeof payload === "object" && payload !== null && !Array.isArray(payload) ? payload.key : undefined;
  const isUpload = typeof key === "string" && key.startsWith("uploads/") && record.arrivedAt !== undefined;
  // The path changes with the state, so that the links of what was made are there when it is made.
  const path = isUpload ? `${pathOf(["uploads", record.id])}?wait=0` : undefined;
  const { data } = useLive<Upload>(path, { everySeconds: record.finishedAt === undefined ? 5 : LINKS_SECONDS });
  const columns = columnsOf(record.result);
  if (data === undefined && columns.length === 0) return null;
  return (
    <section>
      <h2>File</h2>
      {data?.original !== undefined && (
        <p>
          <a href={data.original}>
            <bdi>{data.filename ?? "As it came"}</bdi>
          </a>
        </p>
      )}
      {Object.entries(data?.links ?? {}).map(([name, link]) => (
        <figure key={name} class="made">
          {IMAGE.test(name) && <img src={link} alt={`Made of the file: ${name}`} />}
          <figcaption>
            <a href={link}>{name}</a>
          </figcaption>
        </figure>
      ))}
      {columns.length > 0 && <Columns columns={columns} />}
    </section>
  );
}

type Column = Record<string, unknown>;

/** The columns that a result describes: an array of objects named `columns`, wherever it stands one level down. */
function columnsOf(result: unknown): Column[] {
  const places = typeof result === "object" && result !== null ? [result, ...Object.values(result)] : [];
  for (const place of places) {
    const columns: unknown = typeof place === "object" && place !== null ? Reflect.get(place, "columns") : undefined;
    if (
      Array.isArray(columns) &&
      columns.length > 0 &&
      columns.every((one) => typeof one === "object" && one !== null)
    ) {
      return columns.slice(0, MAX_COLUMNS);
    }
  }
  return [];
}

function Columns({ columns }: { columns: readonly Column[] }): JSX.Element {
  const names = [...new Set(columns.flatMap((column) => Object.keys(column)))];
  return (
    <Scroll label="Columns of the table">
      <table class="rows">
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns.map((column, index) => (
            <tr key={index}>
              {names.map((name) => (
                <td key={name} class="long">
                  <bdi>{typeof column[name] === "string" ? column[name] : JSON.stringify(column[name])}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
