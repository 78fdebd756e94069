/** Canvases that Celery and Lovage run alike, and those in which Lovage differs on purpose. */

import type { Node } from "../../shared/workflows/definition.ts";

const inc = (n: number): Node => ({ task: "inc", payload: { n } });
const then: Node = { task: "inc", into: "n" };
const double: Node = { task: "double", into: "n" };
const sum: Node = { task: "sum", into: "numbers" };
const count: Node = { task: "count", into: "values" };
const echo: Node = { task: "echo", into: "value" };
const fail: Node = { task: "fail", immutable: true };
const chain = (...steps: Node[]): Node => ({ chain: steps });
const group = (...members: Node[]): Node => ({ group: members });
const chord = (...nodes: Node[]): Node => chain(group(...nodes.slice(0, -1)), ...nodes.slice(-1));

export interface Shape {
  name: string;
  node: Node;
  /** Set where Lovage differs on purpose: the reason. */
  differs?: string;
}

const LIST = "a group is a list, also of one member, and also before a body";

export const shapes: readonly Shape[] = [
  { name: "one task", node: inc(1) },
  { name: "a chain of two", node: chain(inc(1), then) },
  { name: "a chain of five", node: chain(inc(1), then, double, then, double) },
  {
    name: "a chain with an immutable step",
    node: chain(inc(1), { task: "inc", payload: { n: 5 }, immutable: true }, then),
  },
  { name: "a chain of chains", node: chain(chain(inc(1), then), chain(double, then)) },
  { name: "a partial with a keyword", node: chain(inc(1), { task: "inc", payload: { by: 10 }, into: "n" }) },
  { name: "a group of two", node: group(inc(1), inc(2)) },
  { name: "a group of five", node: group(inc(1), inc(2), inc(3), inc(4), inc(5)) },
  { name: "a group of one", node: group(inc(1)) },
  { name: "a group of chains", node: group(chain(inc(1), then), chain(inc(2), double)) },
  { name: "a group after a task", node: chain(inc(1), group(then, double)) },
  { name: "a chord", node: chord(inc(1), inc(2), sum) },
  { name: "a chord of five", node: chord(inc(1), inc(2), inc(3), inc(4), inc(5), sum) },
  { name: "a chord, then a task", node: chain(chord(inc(1), inc(2), sum), then) },
  { name: "a chord, then two", node: chain(chord(inc(1), inc(2), sum), then, double) },
  { name: "a chord after a task", node: chain(inc(1), group(then, double), sum) },
  { name: "a chord whose header has chains", node: chord(chain(inc(1), then), chain(inc(2), double, then), sum) },
  { name: "a chord whose body is a chain", node: chain(group(inc(1), inc(2)), chain(sum, then)) },
  { name: "two chords, one after another", node: chain(group(inc(1), inc(2)), sum, group(then, double), sum) },
  { name: "a chord within a chord", node: chord(chord(inc(1), inc(2), sum), inc(3), sum) },
  { name: "two chords within a chord", node: chord(chord(inc(1), inc(2), sum), chord(inc(3), inc(4), sum), sum) },
  { name: "a group as the body of a chord", node: chain(group(inc(1), inc(2)), sum, group(then, double)) },
  { name: "a list handed on as it is", node: chain(group(inc(1), inc(2)), echo) },
  { name: "a list that is counted", node: chain(group(inc(1), inc(2), inc(3)), count) },
  { name: "a text handed on", node: chain({ task: "echo", payload: { value: "a" } }, echo) },
  { name: "an object handed on", node: chain({ task: "echo", payload: { value: { a: [1] } } }, echo) },
  { name: "a chord of an empty group", node: chord(sum), differs: "an empty group gives [], and the chain goes on" },
  { name: "a failure", node: fail },
  { name: "a chain that fails at first", node: chain(fail, then) },
  { name: "a chain that fails later", node: chain(inc(1), fail, then) },
  { name: "a group of which one fails", node: group(inc(1), fail) },
  { name: "a chord of which one fails", node: chord(inc(1), fail, sum) },
  { name: "a chord of one", node: chord(inc(1), count), differs: LIST },
  { name: "a group within a group", node: group(group(inc(1), inc(2)), inc(3)), differs: "nested lists stay nested" },
  { name: "a chord of a group of one, then a task", node: chain(inc(1), group(then), count), differs: LIST },
];
