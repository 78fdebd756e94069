/** The calls about failures by their kind. */

import { GROUP_STATES } from "../failures/groups.ts";
import { type Call, decide } from "./call.ts";
import { query } from "./parameters.ts";
import { text, uuid } from "./schema-parts.ts";
import { ref } from "./schemas.ts";

const fingerprint = { name: "fingerprint", in: "path", required: true, schema: text };
const parameters = [fingerprint];
const limit = query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 });

export const FAILURE_CALLS = {
  listFailures: {
    route: "GET /failures",
    function: "read",
    summary: "Failures by their kind, the newest first",
    parameters: [
      query("state", { enum: GROUP_STATES }),
      query("task", text),
      { ...query("cursor", text), description: "Of an earlier answer: go on where that ended." },
      limit,
    ],
    status: 200,
    answer: ref("FailurePage"),
    refusals: [422],
  },
  readFailure: {
    route: "GET /failures/{fingerprint}",
    function: "read",
    summary: "A kind of failure, and the tasks that have failed so",
    parameters: [
      fingerprint,
      { ...query("cursor", uuid), description: "Of an earlier answer: go on where that ended." },
      limit,
    ],
    status: 200,
    answer: ref("FailureWithTasks"),
    refusals: [404, 422],
  },
  ignoreFailure: decide({
    route: "POST /failures/{fingerprint}/ignore",
    summary: "Ignore a kind of failure, also when it comes again",
    parameters,
    answer: ref("JudgedFailure"),
  }),
  resolveFailure: decide({
    route: "POST /failures/{fingerprint}/resolve",
    summary: "Call a kind of failure resolved, until it comes again in another version",
    parameters,
    answer: ref("JudgedFailure"),
  }),
  reopenFailure: decide({
    route: "POST /failures/{fingerprint}/reopen",
    summary: "Call a kind of failure open",
    parameters,
    answer: ref("JudgedFailure"),
  }),
} satisfies Record<string, Call>;
