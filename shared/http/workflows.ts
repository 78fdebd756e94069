import type { Hono } from "hono";
import { toDot, toMermaid } from "../canvas/draw.ts";
import { readGraph } from "../canvas/graph.ts";
import { listWorkflows } from "../canvas/list.ts";
import { revokeWorkflow } from "../canvas/revoke.ts";
import { withVersions } from "../canvas/secrets.ts";
import { sendWorkflow } from "../canvas/send.ts";
import { InvalidOptionError, WorkflowNotFoundError } from "../errors.ts";
import { isId } from "../message/id.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { isPlace } from "../workflows/definition.ts";
import { readNode } from "../workflows/read-node.ts";
import { audited } from "./audit.ts";
import { addCall, readBody, toOptions } from "./base.ts";
import { toCursor, toNumber, toPeriod, toQuery, toState } from "./query.ts";

/** A workflow waits until its end has one of the others. */
const WORKFLOW_STATES = ["PENDING", "SUCCESS", "FAILURE", "REVOKED"] as const;

const MAX_PAGE = 1000;
const MAX_LIST = 100;

/** The call that sends a workflow. */
export function addWorkflowSend(api: Hono, app: App, registry: Registry): void {
  addCall(api, "sendWorkflow", async (c) => {
    const { options, ...shape } = await readBody(c.req.raw, "sendWorkflow");
    const { id } = await sendWorkflow(
      app,
      registry,
      withVersions(registry, readNode(shape), "newest"),
      toOptions(options),
    );
    return c.json({ id, state: "PENDING" }, 202, { location: `/workflows/${id}` });
  });
}

/** The calls that list them, and show one. */
export function addWorkflowReads(api: Hono, app: App): void {
  addCall(api, "listWorkflows", async (c) => {
    const { state, cursor, limit, ...times } = toQuery(c.req.url, "listWorkflows");
    const { from, to } = toPeriod(times, "from", "to");
    return c.json(
      await listWorkflows(app, {
        ...(state !== undefined && { state: toState(state, WORKFLOW_STATES) }),
        ...(from && { from }),
        ...(to && { to }),
        ...(cursor !== undefined && { cursor: toCursor(cursor) }),
        ...(limit !== undefined && { limit: toNumber("limit", limit, { least: 1, most: MAX_LIST, whole: true }) }),
      }),
    );
  });

  addCall(api, "readWorkflow", async (c, parameters) => {
    const id = knownId(parameters.id);
    const { place, cursor, limit, failed, format = "json" } = toQuery(c.req.url, "readWorkflow");
    if (place !== undefined && !isPlace(place)) {
      throw new InvalidOptionError("place", place, "the 'place' of a node, such as 1.0");
    }
    if (format !== "json" && format !== "dot" && format !== "mermaid") {
      throw new InvalidOptionError("format", format, "json, dot or mermaid");
    }
    if (failed !== undefined && failed !== "true" && failed !== "false") {
      throw new InvalidOptionError("failed", failed, "true or false");
    }
    const graph = await readGraph(app, id, {
      ...(place !== undefined && { place }),
      failed: failed === "true",
      ...(cursor !== undefined && { from: toNumber("cursor", cursor, { least: 0, most: 1_000_000, whole: true }) }),
      ...(limit !== undefined && { limit: toNumber("limit", limit, { least: 0, most: MAX_PAGE, whole: true }) }),
    });
    if (format === "dot") return c.body(toDot(graph), 200, { "content-type": "text/vnd.graphviz; charset=utf-8" });
    if (format === "mermaid")
      return c.body(toMermaid(graph), 200, { "content-type": "text/vnd.mermaid; charset=utf-8" });
    return c.json(graph);
  });
}

/** The call that revokes one. */
export function addWorkflowRevoke(api: Hono, app: App): void {
  addCall(api, "revokeWorkflow", async (c, parameters) => {
    const id = knownId(parameters.id);
    await audited({ app, c }, "revoke", { workflow: id }, async () => {
      await revokeWorkflow(app, id);
      return { answer: undefined, outcome: {} };
    });
    return c.json({ id, revoked: true }, 202, { location: `/workflows/${id}` });
  });
}

function knownId(id: string): string {
  if (!isId(id)) throw new WorkflowNotFoundError(id);
  return id;
}
