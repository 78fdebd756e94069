import { describe, expect, it } from "vitest";
import {
  BOX,
  draw,
  failedTasks,
  focused,
  type Graph,
  type GraphNode,
  toLines,
} from "../../../shared/dashboard/flow.ts";

function node(place: string, kind: GraphNode["kind"], more: Partial<GraphNode> = {}): GraphNode {
  const dot = place.lastIndexOf(".");
  const parent = place === "" ? {} : { parent: dot === -1 ? "" : place.slice(0, dot) };
  return { place, kind, state: "PENDING", ...parent, ...more };
}

/** A chain of a task, a group of `members` tasks, and a task. */
function chainOf(members: number, states: Readonly<Record<string, GraphNode["state"]>> = {}): GraphNode[] {
  const places = ["0", ...Array.from({ length: members }, (_, index) => `1.${index}`), "2"];
  const tasks = places.map((place) => node(place, "task", { state: states[place] ?? "SUCCESS" }));
  return [node("", "chain"), node("1", "group", { members }), ...tasks];
}

const graphOf = (nodes: GraphNode[]): Graph => ({ id: "", state: "PENDING", sentAt: "", nodes, edges: [] });
const named = (nodes: readonly GraphNode[]): string[] => toLines(nodes).lines.map(({ from, to }) => `${from}>${to}`);

describe("the picture of a workflow", () => {
  it("has a line from each to what follows it, and none for a chain itself", () => {
    const nodes = focused(graphOf(chainOf(2)), "all");

    expect(toLines(nodes).boxes).toEqual(["0", "1", "1.0", "1.1", "2"]);
    expect(new Set(named(nodes))).toEqual(new Set(["0>1", "1>1.0", "1>1.1", "1.0>2", "1.1>2"]));
  });

  it("goes on from a folded group, whose failures stand beside it", () => {
    const nodes = [
      node("", "chain"),
      node("0", "group", { members: 5000, failed: 1, folded: true }),
      node("0.17", "task", { state: "FAILURE" }),
      node("1", "task"),
    ];

    expect(new Set(named(nodes))).toEqual(new Set(["0>0.17", "0>1"]));
  });

  it("keeps the failed ones and the way to them, or those that run", () => {
    const graph = graphOf(chainOf(3, { "1.1": "FAILURE", "2": "STARTED" }));
    const places = (nodes: readonly GraphNode[]): string[] => nodes.map(({ place }) => place);

    expect(places(focused(graph, "failed"))).toEqual(["", "1", "1.1"]);
    expect(places(focused(graph, "running"))).toEqual(["", "2"]);
    expect(named(focused(graph, "failed"))).toEqual(["1>1.1"]);
  });

  it("names the cause before what could not run because of it", () => {
    const error = { name: "E", message: "m" };
    const nodes = [
      node("0", "task", { state: "FAILURE", error: { ...error, code: "WORKFLOW_STEP_FAILED" } }),
      node("1", "task", { state: "FAILURE", error }),
    ];

    expect(failedTasks({ nodes }).map(({ place }) => place)).toEqual(["1", "0"]);
  });

  it("puts what follows to the right, in the order of the definition, and no box over another", () => {
    const { boxes } = draw(toLines(focused(graphOf(chainOf(12)), "all")));
    const at = (place: string) => boxes.get(place) ?? { x: 0, y: 0 };

    expect(at("0").x).toBeLessThan(at("1").x);
    expect(at("1").x).toBeLessThan(at("1.0").x);
    expect(at("1.0").x).toBeLessThan(at("2").x);
    for (let member = 1; member < 12; member++) {
      expect(at(`1.${member}`).y - at(`1.${member - 1}`).y).toBeGreaterThanOrEqual(BOX.height);
    }
  });
});
