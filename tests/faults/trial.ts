import { onTestFailed } from "vitest";
import { createClients } from "../../localstack/template/resources.ts";
import { createApp, useApp } from "../../shared/index.ts";
import { type Audit, audit } from "./audit.ts";
import { SEED } from "./chance.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { type Crew, type Deployed, startCrew } from "./crew.ts";
import { createGround } from "./ground.ts";
import { hurry } from "./hurry.ts";
import { type Route, startProxy } from "./proxy.ts";
import { createWitness, type Witness } from "./witness.ts";

/** A cloud, workers that can be harmed, a sender, and a witness of what is recorded. */
export interface Trial {
  cloud: Cloud;
  crew: Crew;
  witness: Witness;
  /** Ids of the tasks whose send resolved, with the payload's `x`. */
  accepted: ReadonlyMap<string, number>;
  /** Why sends were rejected: their tasks may run or not. */
  rejected: readonly string[];
  /** Sends until `enough`, never far ahead of the workers. */
  load(send: (x: number) => Promise<{ id: string }>, enough: () => boolean): Promise<void>;
  /** Waits until no message is left, with the faults over. */
  drain(): Promise<void>;
  audit(): Promise<Audit>;
  stop(): Promise<void>;
}

export interface TrialOptions {
  workers: readonly { route?: Route; clockOffsetMilliseconds?: number; deployed?: Deployed }[];
  /** Of the sender. @defaultValue straight to the cloud */
  senderRoute?: Route;
  /** Of each worker. @defaultValue 4 */
  lanes?: number;
  dataDir?: string;
  /** Tasks that may be under way before the sender waits. @defaultValue 1,000 */
  backlog?: number;
  /** Groups of 10 sends at once. @defaultValue 2 */
  senders?: number;
}

/** A function's time; short, so that what a dead worker held comes back soon. */
const FUNCTION_MILLISECONDS = 8000;
const VISIBILITY_SECONDS = 9;
const GROUP = 10;
/** Without any change for so long, nothing will change any more. */
const STUCK_MILLISECONDS = 90_000;
const LOOK_MILLISECONDS = 100;

const straight: Route = (call, forward) => forward(call);

export async function startTrial(options: TrialOptions): Promise<Trial> {
  // Also when its time runs out.
  onTestFailed(() => console.error(`To bring the same faults again: LOVAGE_SEED=${SEED}`));
  const cloud = await startCloud(options.dataDir);
  const access = {
    endpoint: cloud.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const clients = createClients(access);
  const ground = await createGround(clients, VISIBILITY_SECONDS);
  const environment = {
    ...ground.environment,
    AWS_REGION: access.region,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  const witness = createWitness();
  const crew = await startCrew({
    endpoint: cloud.endpoint,
    environment,
    members: options.workers.map(({ route = straight, clockOffsetMilliseconds = 0, deployed = {} }) => ({
      route: witness.watch(hurry(route)),
      clockOffsetMilliseconds,
      deployed,
    })),
    lanes: options.lanes ?? 4,
    functionMilliseconds: FUNCTION_MILLISECONDS,
  });
  const senderProxy = options.senderRoute && (await startProxy(cloud.endpoint, options.senderRoute));
  // The sender's SDK finds the cloud as it does everywhere: by the environment of its process.
  Object.assign(process.env, environment, { AWS_ENDPOINT_URL: senderProxy?.endpoint ?? cloud.endpoint });
  useApp(createApp(process.env));

  const accepted = new Map<string, number>();
  let sent = 0;
  const rejected: string[] = [];
  const underway = (): number => sent - rejected.length - witness.ended();

  return {
    cloud,
    crew,
    witness,
    accepted,
    rejected,
    async load(send, enough) {
      const sendOne = async (x: number): Promise<void> => {
        try {
          accepted.set((await send(x)).id, x);
        } catch (error) {
          rejected.push(String(error));
        }
      };
      const lane = async (): Promise<void> => {
        while (!enough()) {
          await Promise.race([witness.until(() => underway() < (options.backlog ?? 1000)), crew.failed]);
          const first = sent;
          sent += GROUP;
          await Promise.all(Array.from({ length: GROUP }, (_, index) => sendOne(first + index)));
        }
      };
      await Promise.all(Array.from({ length: options.senders ?? 2 }, lane));
    },
    async drain() {
      let last = "";
      let since = Date.now();
      for (let left = await ground.messagesLeft(); left > 0; left = await ground.messagesLeft()) {
        const now = `${left} messages are left and ${witness.ended()} tasks have ended`;
        if (now !== last) since = Date.now();
        else if (Date.now() - since > STUCK_MILLISECONDS) throw new Error(`Nothing moves: ${now} (seed ${SEED}).`);
        last = now;
        const look = new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
        await Promise.race([look, crew.failed]);
      }
    },
    audit: () => audit(clients.dynamodb, ground.tableName, accepted),
    async stop() {
      await crew.stop();
      await senderProxy?.close();
      for (const client of Object.values(clients)) client.destroy();
      await cloud.kill();
    },
  };
}
