/** The declared calls by their names and paths. */

import type { Call, Method } from "./call.ts";
import { CALLS } from "./calls.ts";
import { fieldsOf, requiredFieldsOf } from "./schemas.ts";

export type CallId = keyof typeof CALLS;

/** Names of the parameters in a route's path. */
type ParameterIn<Route> = Route extends `${string}{${infer Name}}${infer Rest}` ? Name | ParameterIn<Rest> : never;

export type PathParameters<Id extends CallId> = Readonly<Record<ParameterIn<(typeof CALLS)[Id]["route"]>, string>>;

/** The declaration of a call. */
export function callOf(id: CallId): Call {
  return CALLS[id];
}

export function routeOf({ route }: Call): { method: string; path: string } {
  const [method = "", path = ""] = route.split(" ");
  return { method, path };
}

/** Methods of a path in the whole API, so that every function can tell a wrong method from an unknown path. */
export function methodsAt(path: string): string[] {
  const methods = Object.values<Call>(CALLS)
    .map(routeOf)
    .filter((route) => matches(route.path, path));
  const order: readonly string[] = ["GET", "POST", "PUT", "PATCH", "DELETE"] satisfies Method[];
  return order.filter((method) => methods.some((route) => route.method === method));
}

function matches(template: string, path: string): boolean {
  const [wanted, found] = [template.split("/"), path.split("/")];
  const fits = (part: string, index: number): boolean =>
    part.startsWith("{") ? (found[index] ?? "") !== "" : part === found[index];
  return wanted.length === found.length && wanted.every(fits);
}

/** Fields of the query that a call knows. */
export function queryFields(id: CallId): string[] {
  const parameters = callOf(id).parameters ?? [];
  return parameters.flatMap((one) => (one.in === "query" ? [String(one.name)] : []));
}

/** Fields of the body that a call knows. */
export function bodyFields(id: CallId): string[] {
  return fieldsOf(callOf(id).body?.schema);
}

/** Those that the body must have. */
export function requiredBodyFields(id: CallId): string[] {
  return requiredFieldsOf(callOf(id).body?.schema);
}
