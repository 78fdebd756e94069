/** The calls of one simulated process: each takes time, and may meet a fault. */

import type { Change } from "../../aws/change.ts";
import type { Table } from "../../aws/dynamodb.ts";
import type { Bucket } from "../../aws/s3.ts";
import type { Sqs } from "../../aws/sqs.ts";
import type { Mailer } from "../../mail/mailer.ts";
import type { Message } from "../../message/message.ts";
import { type Ground, messageIn } from "../ground.ts";
import { chanceOf } from "./chance.ts";
import type { Fault, FaultKind, Plan } from "./faults.ts";
import { type Happening, type Names, sayFault } from "./timeline.ts";
import type { World } from "./world.ts";

/** A process, as its calls see it. */
export interface Caller {
  readonly name: string;
  readonly dead: boolean;
  /** Its calls fail and its death comes only where these may. */
  readonly isStory: boolean;
  /** Calls and timers that it waits for. */
  pending: number;
  /** Ids of the tasks in its hands. */
  readonly hand: ReadonlySet<string>;
  die(): void;
}

/** A call of a cloud or of an outside service. */
interface Call<T> {
  /** As it is named in timelines. */
  name: string;
  faults: readonly FaultKind[];
  /** The task that it is about, if it is about one. */
  id?: string | undefined;
  /** It is shown in timelines. */
  isShown: boolean;
  act(): T | Promise<T>;
  /** Does a part of it. */
  actInPart?(): Promise<T>;
}

export interface Calls {
  /** Calls take more or less time, as chance has it. */
  readonly uneven: boolean;
  make<T>(caller: Caller, call: Call<T>): Promise<T>;
  /** The place of a name: with its number among those of the same name. */
  placeOf(name: string): string;
  /** Whether one more fault may strike these tasks; it is counted. */
  allow(ids: Iterable<string>): boolean;
  note(who: string, text: string, fault?: Fault): Happening;
}

export interface CallsOptions {
  world: World;
  plan: Plan;
  names: Names;
  happenings: Happening[];
  /** Faults that may strike one task. */
  faultsPerTask: number;
}

const STEADY_MILLISECONDS = 5;
const MAX_UNEVEN_MILLISECONDS = 20;
/** Of calls that are about no task. */
const FAULTS_OF_OTHERS = 4;
/** A fault of these leaves what was to be done undone, or takes the time of a run; too many of them would rightly fail a task. */
const HARMFUL: ReadonlySet<FaultKind> = new Set(["lost", "refused", "crash before", "crash after", "early"]);
const LONG_SECONDS = 5;

export function createCalls({ world, plan, names, happenings, faultsPerTask }: CallsOptions): Calls {
  const begin = world.now();
  const counts = new Map<string, number>();
  const blows = new Map<string, number>();
  const uneven = plan.strike("all calls", ["uneven"]) !== undefined;
  const placeOf = (name: string): string => {
    const said = names.say(name);
    const count = (counts.get(said) ?? 0) + 1;
    counts.set(said, count);
    return count === 1 ? said : `${said} #${count}`;
  };
  const allow = (ids: Iterable<string>): boolean => {
    const all = [...ids];
    const limit = (id: string): number => (id.startsWith("other ") ? FAULTS_OF_OTHERS : faultsPerTask);
    if (all.some((id) => (blows.get(id) ?? 0) >= limit(id))) return false;
    for (const id of all) blows.set(id, (blows.get(id) ?? 0) + 1);
    return true;
  };
  const note = (who: string, text: string, fault?: Fault): Happening => {
    const happening: Happening = { at: world.now() - begin, who, text: names.say(text), ...(fault && { fault }) };
    happenings.push(happening);
    return happening;
  };
  const takes = (place: string): number =>
    uneven ? 1 + Math.floor(chanceOf(plan.seed, `time of ${place}`) * MAX_UNEVEN_MILLISECONDS) : STEADY_MILLISECONDS;

  return {
    uneven,
    placeOf,
    allow,
    note,
    make(caller, call) {
      // A process that is dead goes on with nothing.
      if (caller.dead) return new Promise(() => undefined);
      const place = placeOf(`${call.name}`);
      const kinds = caller.isStory ? call.faults.filter((kind) => kind === "again") : call.faults;
      // All that is in the worker's hands may bear the harm.
      const touched = new Set(caller.hand.size > 0 ? caller.hand : [`other ${caller.name}`]);
      if (call.id !== undefined) touched.add(call.id);
      const fault = plan.strike(place, kinds, (kind, seconds) => {
        const harms = HARMFUL.has(kind) || (kind === "slow" && seconds > LONG_SECONDS);
        return !harms || allow(touched);
      });
      const extra = fault?.kind === "slow" ? (fault.seconds ?? 0) * 1000 : 0;
      caller.pending += 1;
      return new Promise((resolve, reject) => {
        const act = async (): Promise<void> => {
          const noted = fault || call.isShown ? note(caller.name, call.name, fault) : undefined;
          if (fault?.kind === "crash before") return caller.die();
          if (fault?.kind === "refused") throw unavailable(fault, "ThrottlingException");
          const answer = await (fault?.kind === "partial" && call.actInPart ? call.actInPart() : call.act());
          if (noted && isRefusal(answer)) noted.text += " (refused: the item says otherwise)";
          const second = fault?.kind === "again" ? await call.act() : answer;
          if (fault?.kind === "crash after") return caller.die();
          if (fault?.kind === "lost") throw unavailable(fault, "TimeoutError");
          caller.pending -= 1;
          resolve(second);
        };
        const end = (): void => {
          act().catch((error: unknown) => {
            caller.pending -= 1;
            reject(error);
          });
        };
        world.at(world.now() + takes(place) + extra, end, caller);
      });
    },
  };
}

function isRefusal(answer: unknown): boolean {
  return typeof answer === "object" && answer !== null && "applied" in answer && answer.applied === false;
}

function unavailable(fault: Fault, name: string): Error {
  return Object.assign(new Error(`The simulator's fault: ${sayFault(fault)}.`), { name });
}

const READ: readonly FaultKind[] = ["refused", "slow", "crash before"];
const WRITE: readonly FaultKind[] = ["again", "lost", "refused", "slow", "crash before", "crash after"];
const SEND: readonly FaultKind[] = [...WRITE, "partial"];
/** Of services that are not AWS: no SDK asks them again. */
export const OUTSIDE: readonly FaultKind[] = ["lost", "refused", "slow", "crash before", "crash after"];

/** The parts of an app whose calls are made by this process. */
export function cloudOf(
  caller: Caller,
  calls: Calls,
  { ground: { table, bucket, queues, mailer, sent }, names }: { ground: Ground; names: Names },
): { table: Table; bucket: Bucket; sqs: Sqs; mailer: Mailer } {
  const make = <T>(name: string, faults: readonly FaultKind[], act: () => Promise<T>, id?: string): Promise<T> =>
    calls.make(caller, { name, faults, act, id, isShown: faults !== READ });
  const idIn = (text: string): string | undefined => {
    const [id] = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/.exec(text) ?? [];
    return id !== undefined && sent.has(id) ? id : undefined;
  };
  const learn = (body: string): Message | undefined => {
    const message = messageIn(body);
    if (message) names.add(message.id, message.task);
    return message;
  };
  return {
    table: {
      get: (key) => make(`read ${itemName(key)}`, READ, () => table.get(key), idIn(`${key.pk} ${key.sk}`)),
      query: (query) => make(`look through ${query.pk}`, READ, () => table.query(query)),
      queryPage: (query) => make(`look through ${query.pk}`, READ, () => table.queryPage(query)),
      update(change) {
        if (change.key.pk.startsWith("timer#")) learn(String({ ...change.onCreate, ...change.set }.body));
        return make(writeName(change), WRITE, () => table.update(change), idIn(`${change.key.pk} ${change.key.sk}`));
      },
      remove: (key) => make(`remove ${itemName(key)}`, WRITE, () => table.remove(key), idIn(`${key.pk} ${key.sk}`)),
    },
    bucket: {
      head: (key) => make("look at an object", READ, () => bucket.head(key)),
      get: (key) => make("read an object", READ, () => bucket.get(key)),
      put: (key, body, type) => make("write an object", WRITE, () => bucket.put(key, body, type)),
      remove: (key) => make("remove an object", WRITE, () => bucket.remove(key)),
      presignGet: bucket.presignGet,
      presignPost: bucket.presignPost,
    },
    sqs: {
      sendBatch(url, entries) {
        const messages = entries.map(({ body }) => learn(body));
        const parts = entries.map(({ delaySeconds }, index) => {
          const message = messages[index];
          const attempt = message && message.attempt > 1 ? ` attempt ${message.attempt}` : "";
          const helper = message?.workflow?.ended ? " (it has ended)" : message?.workflow?.fanOut ? " (fan-out)" : "";
          return `${message?.id}${attempt}${helper}${delaySeconds > 0 ? ` in ${delaySeconds} s` : ""}`;
        });
        const queue = url.split("/").at(-1);
        return calls.make(caller, {
          name: `send ${parts.join(", ")} to ${queue}`,
          faults: entries.length > 1 ? SEND : WRITE,
          id: messages.length === 1 ? messages[0]?.id : undefined,
          isShown: true,
          act: () => queues.sqs.sendBatch(url, entries),
          async actInPart() {
            const [taken, left] = [entries.slice(1), entries.slice(0, 1)];
            const failed = await queues.sqs.sendBatch(url, taken);
            const refused = { code: "InternalError", message: "The simulator's fault.", senderFault: false };
            return [...failed, ...left.map(({ id }) => ({ id, ...refused }))];
          },
        });
      },
      changeVisibility: (url, handle, seconds) =>
        make(`hide a message for ${seconds} s`, WRITE, () => queues.sqs.changeVisibility(url, handle, seconds)),
      depth: (url) => make("look at a queue", READ, () => queues.sqs.depth(url)),
    },
    mailer: {
      send: (mail, key) =>
        make(`mail '${mail.subject}' to ${mail.to}`, OUTSIDE, () => mailer.send(mail, key), idIn(key)),
    },
  };
}

function itemName({ pk, sk }: { pk: string; sk: string }): string {
  if (pk.startsWith("task#")) return sk;
  return `${pk.replaceAll("#", " ")} ${sk.replaceAll("#", " ")}`.trim();
}

function writeName({ key, set, onCreate }: Change): string {
  if (!key.pk.startsWith("task#")) return `write ${itemName(key)}`;
  const state = set?.state ?? onCreate?.state;
  return state === undefined ? `write record of ${key.sk}` : `write ${state} of ${key.sk}`;
}
