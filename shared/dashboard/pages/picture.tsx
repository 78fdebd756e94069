import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { BOX, couldNotRun, type Drawing, draw, type GraphNode, toLines } from "../flow.ts";
import { count, duration } from "../format.ts";
import { linkTo } from "../route.ts";
import { SHAPES } from "../shapes.ts";
import { now } from "../ui.tsx";

const STEP = 1.25;
const LEAST_ZOOM = 0.2;
const MOST_ZOOM = 2;
const NAME_CHARS = 24;

/** The graph as a picture. It scrolls in a frame of its own; its boxes are links. */
export function Picture({ workflow, nodes }: { workflow: string; nodes: readonly GraphNode[] }): JSX.Element {
  const frame = useRef<HTMLElement>(null);
  const [zoom, setZoom] = useState(1);
  const lines = toLines(nodes);
  // States change often, and the boxes stay where they are.
  const shape = JSON.stringify(lines);
  const drawing = useMemo(() => draw(lines), [shape]);
  const zoomTo = (wanted: number): void => setZoom(Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, wanted)));
  const fit = (): void => zoomTo(Math.min(1, ((frame.current?.clientWidth ?? 0) - 2) / drawing.width));
  return (
    <>
      <div class="acts">
        <button type="button" aria-label="Smaller" onClick={() => zoomTo(zoom / STEP)}>
          −
        </button>
        <button type="button" aria-label="Larger" onClick={() => zoomTo(zoom * STEP)}>
          +
        </button>
        <button type="button" onClick={fit}>
          Fit
        </button>
        <button type="button" onClick={() => zoomTo(1)}>
          100 %
        </button>
        <NextFailed frame={frame} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a reader without a mouse scrolls it by its focus */}
      <section ref={frame} class="picture" tabIndex={0} aria-label="Graph">
        <svg
          width={drawing.width * zoom}
          height={drawing.height * zoom}
          viewBox={`0 0 ${drawing.width} ${drawing.height}`}
        >
          <title>Graph of the workflow</title>
          <Lines drawing={drawing} />
          {nodes.map((node) => {
            const middle = drawing.boxes.get(node.place);
            return middle && <Box key={node.place} workflow={workflow} node={node} middle={middle} />;
          })}
        </svg>
      </section>
    </>
  );
}

/** Moves the focus to one failed box after another. */
function NextFailed({ frame }: { frame: { current: HTMLElement | null } }): JSX.Element {
  const last = useRef<SVGAElement | undefined>(undefined);
  const next = (): void => {
    const failed = [...(frame.current?.querySelectorAll<SVGAElement>("a.task.state-failure") ?? [])];
    const here = failed.findIndex((box) => box === document.activeElement || box === last.current);
    const box = failed[(here + 1) % Math.max(1, failed.length)];
    last.current = box;
    box?.focus();
    box?.scrollIntoView({ block: "center", inline: "center" });
  };
  return (
    <button type="button" onClick={next}>
      Next failed
    </button>
  );
}

function Lines({ drawing }: { drawing: Drawing }): JSX.Element {
  return (
    <path
      class="line"
      d={drawing.lines
        .map((points) => `M${points.map(({ x, y }) => `${Math.round(x)} ${Math.round(y)}`).join("L")}`)
        .join("")}
    />
  );
}

interface BoxProps {
  workflow: string;
  node: GraphNode;
  middle: { x: number; y: number };
}

function Box({ workflow, node, middle }: BoxProps): JSX.Element {
  const { kind, state, place } = node;
  const [name, words] = [nameOf(node), wordsOf(node, now.value)];
  const [x, y] = [middle.x - BOX.width / 2, middle.y - BOX.height / 2];
  const share = node.members ? (node.ended ?? 0) / node.members : 0;
  const inside = (
    <>
      <rect x={x} y={y} width={BOX.width} height={BOX.height} rx={6} />
      {share > 0 && <rect class="done" x={x} y={y + BOX.height - 4} width={BOX.width * share} height={4} />}
      <text class="name" x={x + 10} y={y + 18}>
        {`${cut(name)} `}
      </text>
      <text class="place" x={x + BOX.width - 10} y={y + 18}>
        {`${cut(place)} `}
      </text>
      <text x={x + 10} y={y + 35}>
        {`${SHAPES[state]} ${words}`}
      </text>
    </>
  );
  const look = `box ${kind === "task" ? "task" : "group"} state-${state.toLowerCase()}`;
  const href = hrefOf(workflow, node);
  if (href === undefined) return <g class={look}>{inside}</g>;
  return (
    <a class={look} href={href}>
      {inside}
    </a>
  );
}

/** A task that has begun has a page; a group has its members. */
export function hrefOf(workflow: string, { kind, id, attempt, place }: GraphNode): string | undefined {
  if (kind !== "task") return linkTo(["workflows", workflow], { place: place === "" ? "whole" : place });
  return id !== undefined && attempt !== undefined ? linkTo(["tasks", id]) : undefined;
}

export function nameOf({ kind, task, members, policy }: GraphNode): string {
  if (kind === "task") return task ?? "?";
  if (kind === "chain") return "chain";
  const rule = policy === undefined ? "" : `, ${typeof policy === "string" ? policy : `tolerates ${policy.tolerate}`}`;
  return `${kind} of ${members === undefined ? "?" : count(members)}${rule}`;
}

/** The state, and how far it has come. */
export function wordsOf(node: GraphNode, time: number): string {
  const { kind, state, startedAt, finishedAt, ended, failed, attempt } = node;
  if (kind !== "task") {
    const counts = ended === undefined ? "" : ` · ${count(ended)} ended${failed ? `, ${count(failed)} failed` : ""}`;
    return `${state}${counts}`;
  }
  if (couldNotRun(node)) return `${state} · could not run`;
  if (attempt === undefined) return state === "PENDING" ? `${state} · not begun` : `${state} · never sent`;
  const end = finishedAt === undefined ? time : Date.parse(finishedAt);
  return startedAt === undefined ? state : `${state} · ${duration(Math.max(0, end - Date.parse(startedAt)))}`;
}

function cut(text: string): string {
  const chars = [...text];
  return chars.length <= NAME_CHARS ? text : `${chars.slice(0, NAME_CHARS - 1).join("")}…`;
}
