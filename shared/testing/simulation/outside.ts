import { AsyncLocalStorage } from "node:async_hooks";
import { currentApp } from "../../task/current-app.ts";

/** An outside service as a task calls it: each method answers with a promise. */
export type Outside<Service> = {
  [Name in keyof Service]: Service[Name] extends (...values: infer Values) => infer Answer
    ? (...values: Values) => Promise<Awaited<Answer>>
    : never;
};

/** The border around a process: each call of an outside service passes it. */
export interface Border {
  /** One state of each service for each simulation. */
  readonly key: object;
  call(name: string, act: () => unknown): Promise<unknown>;
}

const border = new AsyncLocalStorage<Border>();

/** Does `work` with this border between it and outside services. */
export function withBorder<T>(one: Border, work: () => T): T {
  return border.run(one, work);
}

/**
 * A stand-in for a service that tasks call: a payment provider, a database. In a simulation each call of a method takes time, and other
 * tasks go on meanwhile; its answer may be lost, it may refuse, and the worker may die before or after it. Each simulation, and each
 * test app, has its own.
 * @param name as timelines show it
 * @param make makes the service, whose methods do their work at once
 */
export function outside<Service extends object>(name: string, make: () => Service): Outside<Service> {
  const services = new WeakMap<object, Service>();
  const service = (key: object): Service => {
    const found = services.get(key) ?? make();
    services.set(key, found);
    return found;
  };
  const handler: ProxyHandler<object> = {
    get(_, method) {
      if (typeof method === "symbol" || method === "then") return undefined;
      return async (...values: unknown[]): Promise<unknown> => {
        const around = border.getStore();
        const own = service(around?.key ?? currentApp());
        const act = (): unknown => {
          const found: unknown = Reflect.get(own, method);
          if (typeof found !== "function") throw new TypeError(`Service '${name}' has no method '${method}'.`);
          return Reflect.apply(found, own, values);
        };
        return around === undefined ? act() : around.call(`${name}.${method}(${shown(values)})`, act);
      };
    },
  };
  // The one place where the methods get their types: the handler above answers each name with that method of the service.
  return new Proxy<object>({}, handler) as Outside<Service>;
}

const MAX_CHARS = 60;

function shown(values: readonly unknown[]): string {
  const text = values.map((value) => JSON.stringify(value) ?? String(value)).join(", ");
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}
