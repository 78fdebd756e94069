import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, Refusal } from "../api.ts";
import { couldNotRun, depthOf, type Focus, failedTasks, focused, type Graph, type GraphNode } from "../flow.ts";
import { count } from "../format.ts";
import { may } from "../frame.tsx";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { linkTo, route } from "../route.ts";
import { ActButton, CopyButton, Empty, Loading, now, StateMark, Table, Trouble, When } from "../ui.tsx";
import { hrefOf, nameOf, Picture, wordsOf } from "./picture.tsx";

const RESTING_SECONDS = 15;
/** A group of more is drawn as counts, and its members are pages of as many. */
const FOLD = 100;

const FOCUSES: Readonly<Record<Focus, string>> = { all: "all", failed: "only failed", running: "only running" };

export function WorkflowPage({ id }: { id: string }): JSX.Element {
  const { query } = route.value;
  const { place = "", cursor } = query;
  const focus = query.focus === "failed" || query.focus === "running" ? query.focus : "all";
  const { graph, error, refresh } = useGraph(id, { place, cursor, failed: focus === "failed" });
  if (graph === undefined) {
    const isGone = error instanceof Refusal && error.status === 404;
    return (
      <>
        <h1>Workflow</h1>
        {isGone ? (
          <Empty>
            There is no workflow <code>{id}</code>: it was never sent here, or it has ended and is shown no longer.
          </Empty>
        ) : (
          (error && <Trouble error={error} />) || <Loading />
        )}
      </>
    );
  }
  const nodes = focused(graph, focus);
  const isTable = query.view === "table";
  const show = (changes: Record<string, string | undefined>): string =>
    linkTo(["workflows", id], { ...query, ...changes });
  return (
    <>
      <div class="head">
        <h1>
          Workflow <StateMark state={graph.state} />
        </h1>
        <Acts graph={graph} refresh={refresh} />
      </div>
      <p class="dim id">
        {id} <CopyButton text={id} label="Copy the id" /> sent <When time={graph.sentAt} exact />
      </p>
      <Trouble error={error} />
      <Failed nodes={failedTasks(graph)} refresh={refresh}>
        {graph.nodes.filter(hasMoreFailures).map((node) => (
          <a
            key={node.place}
            href={linkTo(["workflows", id], { place: node.place || "whole", focus: "failed", view: query.view })}
          >
            All {count(node.failed ?? 0)} failed members of {node.place || "the whole"}
          </a>
        ))}
      </Failed>
      {place !== "" && <Where id={id} place={place} graph={graph} query={query} />}
      <nav class="chips" aria-label="Nodes that are shown">
        {Object.entries(FOCUSES).map(([name, title]) => (
          <a
            key={name}
            href={show({ focus: name === "all" ? undefined : name, cursor: undefined })}
            aria-current={name === focus ? "true" : undefined}
          >
            {title}
          </a>
        ))}
        <a href={show({ view: undefined })} aria-current={isTable ? undefined : "true"}>
          as a picture
        </a>
        <a href={show({ view: "table" })} aria-current={isTable ? "true" : undefined}>
          as a table
        </a>
      </nav>
      {nodes.length === 0 ? (
        <Empty>{focus === "failed" ? "Nothing has failed." : "Nothing runs now."}</Empty>
      ) : isTable ? (
        <Nodes workflow={id} nodes={nodes} />
      ) : (
        <Picture workflow={id} nodes={nodes} />
      )}
    </>
  );
}

/** The graph, or the part at a place. A whole that is one large group is asked for as counts, once that is known. */
function useGraph(
  id: string,
  { place, cursor, failed }: { place: string; cursor: string | undefined; failed: boolean },
): { graph: Graph | undefined; error: Error | undefined; refresh: () => void } {
  const [isFinal, setFinal] = useState(false);
  const [isLarge, setLarge] = useState(false);
  const kept = useRef<{ part: string; graph: Graph } | undefined>(undefined);
  const part = `${place} ${cursor} ${failed}`;
  const asked = {
    place: place === "whole" ? "" : place,
    cursor,
    // Of a large group those that have failed are pages of their own.
    ...(place !== "" && failed && { failed: "true" }),
    ...(place === "" && isLarge && { limit: "0" }),
  };
  const { data, error, refresh } = useLive<Graph>(
    pathOf(["workflows", id], asked),
    isFinal ? { everySeconds: RESTING_SECONDS } : {},
  );
  if (data) kept.current = { part, graph: data };
  const graph = data ?? (kept.current?.part === part ? kept.current.graph : undefined);
  const [root] = graph?.nodes ?? [];
  const large = place === "" && root !== undefined && root.kind !== "chain" && (root.members ?? 0) > FOLD;
  useEffect(() => {
    if (large) setLarge(true);
  }, [large]);
  const ended = graph !== undefined && graph.state !== "PENDING" && !graph.nodes.some(isOpen);
  useEffect(() => setFinal(ended), [ended]);
  // The first answer about a large group has members that are not to be drawn.
  return { graph: large && !root?.folded ? undefined : graph, error, refresh };
}

function isOpen({ state }: GraphNode): boolean {
  return state === "PENDING" || state === "STARTED" || state === "RETRY";
}

function Acts({ graph, refresh }: { graph: Graph; refresh: () => void }): JSX.Element | null {
  if (!may("operate")) return null;
  return (
    <div class="acts">
      <ActButton
        verb="Revoke the workflow"
        isDangerous
        isOff={graph.state !== "PENDING"}
        sentence="What has not begun never runs; tasks that run are told to stop. A replay of its last task brings all of it back."
        run={async () => {
          await call(pathOf(["workflows", graph.id]), { method: "DELETE" });
          refresh();
        }}
      />
    </div>
  );
}

/** The failures, before everything else. */
function Failed(props: {
  nodes: readonly GraphNode[];
  refresh: () => void;
  children: ComponentChildren;
}): JSX.Element | null {
  const { nodes, refresh, children } = props;
  const [all, setAll] = useState(false);
  if (nodes.length === 0) return null;
  const shown = all ? nodes : nodes.slice(0, 5);
  return (
    <section aria-labelledby="failed">
      <h2 id="failed">Failed</h2>
      <ul class="plain">
        {shown.map((node) => (
          <li key={node.place}>
            <StateMark state={node.state} />{" "}
            <a href={linkTo(["tasks", node.id ?? ""])}>
              <bdi>{node.task}</bdi> <span class="dim">at {node.place || "the whole"}</span>
            </a>{" "}
            <bdi>{node.error ? `${node.error.name}: ${node.error.message}`.slice(0, 240) : ""}</bdi>{" "}
            <Replay node={node} refresh={refresh} />
          </li>
        ))}
      </ul>
      {nodes.length > shown.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show {count(nodes.length - shown.length)} more
        </button>
      )}{" "}
      {children}
    </section>
  );
}

/** A folded group names the first of its failures alone. */
function hasMoreFailures({ folded, failed = 0, failures = [] }: GraphNode): boolean {
  return folded === true && failed > failures.length;
}

function Replay({ node, refresh }: { node: GraphNode; refresh: () => void }): JSX.Element | null {
  if (!may("operate") || node.id === undefined) return null;
  const { id } = node;
  return (
    <ActButton
      verb="Replay"
      sentence={
        couldNotRun(node)
          ? "It could not run: those that failed before it run again under their own ids, and the workflow goes on from there."
          : "It runs again under the same id, and its workflow goes on from there."
      }
      run={async () => {
        await call(pathOf(["tasks", id, "replay"]), { method: "POST" });
        refresh();
      }}
    />
  );
}

/** The part that is shown, the way back, and the pages of a large group. */
function Where(props: {
  id: string;
  place: string;
  graph: Graph;
  query: Readonly<Record<string, string>>;
}): JSX.Element {
  const { id, place, graph, query } = props;
  const { cursor, focus } = query;
  const parts = place === "whole" ? [] : place.split(".");
  const members = graph.nodes[0]?.members;
  const from = Number(cursor ?? 0);
  const to = graph.cursor === undefined ? members : Number(graph.cursor);
  const isAll = focus !== "failed";
  const page = (start: string | undefined): string => linkTo(["workflows", id], { ...query, cursor: start });
  return (
    <nav class="chips" aria-label="Place in the workflow">
      <a href={linkTo(["workflows", id])}>the whole workflow</a>
      {parts.map((_, index) => {
        const above = parts.slice(0, index + 1).join(".");
        return (
          <a
            key={above}
            href={linkTo(["workflows", id], { place: above })}
            aria-current={above === place ? "true" : undefined}
          >
            {above}
          </a>
        );
      })}
      {isAll && members !== undefined && to !== undefined && members > FOLD && (
        <span>
          members {count(from)} to {count(to - 1)} of {count(members)}
        </span>
      )}
      {from > 0 && (isAll ? <a href={page(pageBefore(from))}>before</a> : <a href={page(undefined)}>the first</a>)}
      {graph.cursor !== undefined && <a href={page(graph.cursor)}>next {FOLD}</a>}
    </nav>
  );
}

function pageBefore(from: number): string | undefined {
  return from > FOLD ? String(from - FOLD) : undefined;
}

/** The same as the picture, for those who do not see it. */
function Nodes({ workflow, nodes }: { workflow: string; nodes: readonly GraphNode[] }): JSX.Element {
  return (
    <Table label="Nodes of the workflow" heads={["Place", "Name", "State", { number: "Attempt" }, "Started", "Error"]}>
      {nodes.map((node) => {
        const href = hrefOf(workflow, node);
        return (
          <tr key={node.place}>
            <td>{`${"· ".repeat(depthOf(node.place))}${node.place || "whole"}`}</td>
            <td>{href === undefined ? <bdi>{nameOf(node)}</bdi> : <NodeLink href={href} node={node} />}</td>
            <td>
              <StateMark state={node.state} note={noteOf(node)} />
            </td>
            <td class="number">{node.attempt ?? "–"}</td>
            <td>
              <When time={node.startedAt} />
            </td>
            <td class="long">
              <bdi>{node.error ? `${node.error.name}: ${node.error.message}` : ""}</bdi>
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

function NodeLink({ href, node }: { href: string; node: GraphNode }): JSX.Element {
  return (
    <a href={href}>
      <bdi>{nameOf(node)}</bdi>
    </a>
  );
}

function noteOf(node: GraphNode): string | undefined {
  return wordsOf(node, now.value).split(" · ")[1];
}
