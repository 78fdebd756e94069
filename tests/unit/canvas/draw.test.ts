/** Drawings are read by Graphviz itself. Mermaid is not here: it brings 120 MB. */
import { instance } from "@viz-js/viz";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { toDot } from "../../../shared/canvas/draw.ts";
import type { Graph } from "../../../shared/canvas/graph.ts";

const HOSTILE = [
  'a"]; evil -> all [label="',
  "end",
  "subgraph",
  "graph TD",
  "%%{init: {}}%%",
  "\\N\\G\\l",
  "back\\",
  "<b>bold</b>",
  "<script>alert(1)</script>",
  "&amp; &lt;",
  "#35;#quot;",
  "`md` **x**",
  "a\nb\r\nc",
  "]):::FAILURE --> n9",
  "click n0 call alert()",
  "🦊 é \u202E",
  "{shape}",
  "// /* */",
];

const graph = (names: readonly string[]): Graph => ({
  id: "w",
  state: "SUCCESS",
  sentAt: "2026-11-27T00:00:00Z",
  nodes: [
    { place: "", kind: "chain", state: "SUCCESS" },
    { place: "0", kind: "group", parent: "", state: "SUCCESS", members: names.length, ended: 1, failed: 0 },
    ...names.map((task, index) => ({
      place: `0.${index}`,
      kind: "task" as const,
      parent: "0",
      state: "SUCCESS" as const,
      task,
    })),
    { place: "1", kind: "task", parent: "", state: "PENDING", task: "body" },
  ],
  edges: [{ from: "0", to: "1" }],
});

const dot = z.object({
  objects: z.array(z.looseObject({ name: z.string(), label: z.string().optional() })),
  edges: z.array(z.unknown()),
});

describe("a drawing of names that look like code", () => {
  it("is one for Graphviz, whose labels are the names", async () => {
    const answer = (await instance()).render(toDot(graph(HOSTILE)), { format: "json0" });

    expect(answer).toMatchObject({ status: "success" });
    expect(answer.errors.filter(({ level }) => level === "error")).toEqual([]);
    const { objects, edges } = dot.parse(JSON.parse(answer.output ?? ""));
    const labels = objects.filter(({ name }) => name.startsWith("n0_")).map(({ label }) => label);
    const escaped = HOSTILE.map((name) => `${name.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\\nSUCCESS`);
    expect(labels).toEqual(escaped);
    expect([objects.length, edges.length]).toEqual([HOSTILE.length + 3, 1]);
  });
});
