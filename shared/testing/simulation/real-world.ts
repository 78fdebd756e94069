/**
 * In the place of the real clock, chance and timers, those of the simulation, for the code that runs in one. All other code of the
 * process gets the real ones.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The clock, chance and timers of one process of a simulation. */
export interface Surroundings {
  now(): number;
  random(): number;
  newUuid(): string;
  after(milliseconds: number, act: () => void): () => void;
  /** Told of what code of a user takes from the real world. */
  tell(what: string, where: string): void;
  /** The task whose code may be running. */
  readonly task: string | undefined;
}

const surroundings = new AsyncLocalStorage<Surroundings>();
const [RealDate, realImmediate, realTimeout] = [Date, setImmediate, setTimeout];
/** The engine's own code is told of nothing. */
const ENGINE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Looks for the caller of one thing in one task: they cost more than all the rest of a call. */
const MAX_LOOKS = 20;
const looks = new Map<string, number>();
let users = 0;

/** Does `work` with these surroundings. */
export function surroundedBy<T>(one: Surroundings, work: () => T): T {
  return surroundings.run(one, work);
}

/** The surroundings of the code that asks, if it runs in a simulation. */
export function currentSurroundings(): Surroundings | undefined {
  return surroundings.getStore();
}

/** Waits until all that can go on without a timer or I/O has done so. */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => realImmediate(resolve));
}

/** Waits in real time, for something that is not part of the simulation. */
export function realPause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => realTimeout(resolve, milliseconds));
}

/** Puts the simulation's clock, chance and timers in place, until the answer is called. */
export function enterSimulation(): () => void {
  users += 1;
  looks.clear();
  if (users === 1) for (const { target, name, fake } of FAKES) put(target, name, fake);
  if (users === 1) syncBuiltinESMExports();
  return () => {
    users -= 1;
    if (users > 0) return;
    for (const { target, name, own } of FAKES) {
      if (own) Object.defineProperty(target, name, own);
      else Reflect.deleteProperty(target, name);
    }
    syncBuiltinESMExports();
  };
}

function put(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: true });
}

/** The surroundings of the code that calls, after telling what it takes. */
function here(what: string): Surroundings | undefined {
  const found = surroundings.getStore();
  const key = `${found?.task} ${what}`;
  const count = looks.get(key) ?? 0;
  if (found?.task !== undefined && count < MAX_LOOKS) {
    looks.set(key, count + 1);
    const frames = (new Error().stack ?? "").split("\n").slice(1);
    const caller = frames.find((frame) => !/real-world\.|node:|<anonymous>/.test(frame));
    // Code of a package is not the user's own, and what it does with the time is its own affair.
    if (caller !== undefined && !caller.includes(ENGINE) && !caller.includes("node_modules"))
      found.tell(what, caller.replace(/^\s*at /, ""));
  }
  return found;
}

class Timer {
  readonly #act: () => void;
  readonly #milliseconds: number;
  readonly #around: Surroundings;
  readonly #repeats: boolean;
  #cancel: () => void = () => undefined;

  constructor(around: Surroundings, act: () => void, milliseconds: number, repeats: boolean) {
    this.#act = act;
    this.#around = around;
    this.#milliseconds = Math.max(repeats ? 1 : 0, milliseconds || 0);
    this.#repeats = repeats;
    this.refresh();
  }

  refresh(): this {
    this.#cancel();
    this.#cancel = this.#around.after(this.#milliseconds, () => {
      if (this.#repeats) this.refresh();
      this.#act();
    });
    return this;
  }

  close(): this {
    this.#cancel();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}

type Callback = (...values: unknown[]) => void;

function fakeTimer(name: "setTimeout" | "setInterval" | "setImmediate"): Callback {
  const real: (...values: never[]) => unknown = globalThis[name];
  return (...given: unknown[]): unknown => {
    const [act, second, ...others] = given;
    const around = here(name);
    if (around === undefined || typeof act !== "function") return Reflect.apply(real, undefined, given);
    const [milliseconds, values] = name === "setImmediate" ? [0, [second, ...others]] : [Number(second), others];
    return new Timer(around, () => Reflect.apply(act, undefined, values), milliseconds, name === "setInterval");
  };
}

function fakeClear(name: "clearTimeout" | "clearInterval" | "clearImmediate"): Callback {
  const real: (timer: never) => void = globalThis[name];
  return (timer) => (timer instanceof Timer ? timer.close() : Reflect.apply(real, undefined, [timer]));
}

interface WaitOptions {
  signal?: AbortSignal;
}

/** `setTimeout` of `node:timers/promises`. */
function wait(milliseconds: number, value: unknown, { signal }: WaitOptions = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(value), milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      reject(Object.assign(new Error("The operation was aborted", { cause: signal?.reason }), { name: "AbortError" }));
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

const FakeDate: DateConstructor = new Proxy(RealDate, {
  construct(target, values, newTarget) {
    const around = values.length === 0 ? here("new Date()") : undefined;
    const built = newTarget === FakeDate ? target : newTarget;
    return Reflect.construct(target, around ? [around.now()] : values, built);
  },
  apply: (target) => {
    const around = here("Date()");
    return around ? new target(around.now()).toString() : target();
  },
  get(target, name) {
    if (name !== "now") return Reflect.get(target, name);
    return () => here("Date.now")?.now() ?? target.now();
  },
});

interface Fake {
  target: object;
  name: string;
  fake: unknown;
  own: PropertyDescriptor | undefined;
}

const FAKES: readonly Fake[] = makeFakes();

function makeFakes(): Fake[] {
  const require = createRequire(import.meta.url);
  const [timers, timersPromises, crypto]: object[] = [
    ...[require("node:timers"), require("node:timers/promises"), require("node:crypto")],
  ];
  const { random } = Math;
  const sinceStart = performance.now.bind(performance);
  const uuid = globalThis.crypto.randomUUID.bind(globalThis.crypto);
  const soon = fakeTimer("setTimeout");
  const realWait: unknown = Reflect.get(timersPromises ?? {}, "setTimeout");
  const fakeWait = (milliseconds: number, value: unknown, options: unknown): unknown =>
    surroundings.getStore() === undefined
      ? Reflect.apply(asFunction(realWait), undefined, [milliseconds, value, options])
      : wait(milliseconds, value, Object(options));
  Object.defineProperty(soon, promisify.custom, { value: fakeWait });
  const randomUuid = (): string => here("randomUUID")?.newUuid() ?? uuid();
  const all: [object | undefined, string, unknown][] = [
    [globalThis, "Date", FakeDate],
    [Math, "random", () => here("Math.random")?.random() ?? random()],
    [performance, "now", () => here("performance.now")?.now() ?? sinceStart()],
    [globalThis.crypto, "randomUUID", randomUuid],
    [crypto, "randomUUID", randomUuid],
    [timersPromises, "setTimeout", fakeWait],
    ...[globalThis, timers].flatMap((target): [object | undefined, string, unknown][] => [
      [target, "setTimeout", soon],
      [target, "setInterval", fakeTimer("setInterval")],
      [target, "setImmediate", fakeTimer("setImmediate")],
      [target, "clearTimeout", fakeClear("clearTimeout")],
      [target, "clearInterval", fakeClear("clearInterval")],
      [target, "clearImmediate", fakeClear("clearImmediate")],
    ]),
  ];
  return all.flatMap(([target, name, fake]) =>
    target === undefined ? [] : [{ target, name, fake, own: Object.getOwnPropertyDescriptor(target, name) }],
  );
}

function asFunction(value: unknown): () => unknown {
  return typeof value === "function" ? (...values) => Reflect.apply(value, undefined, values) : () => undefined;
}
