/**
 * Makes `serverless offline` enough: starts the local cloud before it, gives its HTTP functions sandboxes, and drains
 * everything when it ends. Listed before serverless-offline, whose hooks must find what this one prepares.
 */

import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { functionEnvironments } from "../build/environments.ts";
import { ownFile, WORK_FOLDER } from "../build/paths.ts";
import { schedulePrefix, scheduleResources } from "../build/plugin.ts";
import type { Serverless } from "../build/serverless.ts";
import { readTaskFolders } from "../build/task-modules.ts";
import { type LocalCloud, startLocalCloud } from "./cloud.ts";
import { type Builds, startBuilds } from "./lambda/builds.ts";
import { guardEveryServer, namedOrigins } from "./loopback.ts";
import { checkPorts, type Port } from "./ports.ts";
import { withoutSchedules } from "./scheduler/from-template.ts";
import { compileTemplate } from "./template/compile.ts";
import type { Template, TemplateResource } from "./template/template.ts";

/** Where the HTTP functions of serverless-offline find the cloud of their own process. */
const INVOKE = Symbol.for("lovage.invoke");
/** From the service's folder, and without a `..`: serverless-offline refuses such a handler, as Lambda does, wherever Lovage lies. */
const HTTP_PROXY = join(WORK_FOLDER, "http-proxy.mjs");
const HTTP_HANDLER = `${basename(WORK_FOLDER)}/http-proxy.handler`;

/** The parts that we use of serverless-offline's plugin object. */
interface Offline {
  start(): Promise<void>;
  end(skipExit?: boolean): Promise<void>;
}

class LocalCloudPlugin {
  readonly commands = {
    template: {
      usage: "Compile serverless.yml to the CloudFormation template and print it, without bundling or an account",
      lifecycleEvents: ["print"],
      options: { output: { usage: "File to write to instead", type: "string" } },
    },
  };
  readonly hooks: Record<string, () => void | Promise<void>>;
  readonly #serverless: Serverless;
  readonly #options: { output?: string; httpPort?: string; lambdaPort?: string };
  #cloud: LocalCloud | undefined;
  #builds: Builds | undefined;

  constructor(serverless: Serverless, options: { output?: string; httpPort?: string; lambdaPort?: string }) {
    this.#serverless = serverless;
    this.#options = options;
    this.hooks = {
      initialize: () => this.#checkStage(),
      "before:offline:start": () => this.#startAroundOffline(),
      "before:offline:start:init": () => this.#start(),
      "after:offline:start:init": () => this.#announce(),
      "before:offline:start:end": () => this.#stop(),
      "template:print": () => this.#print(),
    };
  }

  get #stage(): string {
    return this.#serverless.getProvider("aws").getStage();
  }

  #refuse(message: string): never {
    throw new this.#serverless.classes.Error(message, "LOVAGE");
  }

  #checkStage(): void {
    const stages = Object.keys(this.#serverless.configurationInput.params ?? {}).filter((name) => name !== "default");
    if (stages.includes(this.#stage)) return;
    this.#refuse(
      `Stage '${this.#stage}' is not one of this service: expected ${stages.join(", ")}. Add it under 'params' in serverless.yml.`,
    );
  }

  async #print(): Promise<void> {
    const text = `${JSON.stringify(await compileTemplate(this.#serverless), null, 2)}\n`;
    if (this.#options.output) await writeFile(this.#options.output, text);
    else process.stdout.write(text);
  }

  /** `serverless offline` without `start` has no hook after it listens and none before it exits: its own methods serve. */
  async #startAroundOffline(): Promise<void> {
    await this.#start();
    const offline = this.#serverless.pluginManager.plugins.find(isOffline);
    if (offline === undefined) return;
    const { start, end } = offline;
    offline.start = async () => {
      await start.call(offline);
      this.#announce();
    };
    offline.end = async (skipExit) => {
      await this.#stop();
      await end.call(offline, skipExit);
    };
  }

  async #start(): Promise<void> {
    if (this.#stage !== "local") {
      this.#refuse(
        `Stage '${this.#stage}' does not run offline: expected stage 'local', whose API is open to this machine only.`,
      );
    }
    const { service } = this.#serverless;
    // Before anything listens: serverless-offline opens ports of its own, which know no guard.
    guardEveryServer({ origins: namedOrigins(process.env.CORS_ORIGIN), takesForms: false });
    try {
      await checkPorts(this.#ports);
      const template = await compileTemplate(this.#serverless);
      const environments = await functionEnvironments(this.#serverless);
      // The schedules that beat's entries make change with every edit; all else stays.
      const rest = withoutBeat(template);
      const prefix = schedulePrefix(this.#serverless);
      this.#builds = await startBuilds({
        handlers: Object.values(service.functions).map(({ handler }) => handler),
        // Of its own for each port, so that two services can run side by side.
        outdir: join(WORK_FOLDER, "build", String(this.#httpPort)),
        taskFolders: readTaskFolders(service.custom.tasks),
        environments,
        onRebuild: async ({ schedules }) => {
          await this.#cloud?.reload({ Resources: { ...rest, ...scheduleResources(schedules, prefix, rest) } });
        },
        log,
      });
      this.#cloud = await startLocalCloud({
        template,
        bundleOf: this.#builds.bundleOf,
        environment: process.env,
        region: service.provider.region,
        port: Number(this.#cloudPort),
        ...(process.env.LOVAGE_DATA && { dataDir: process.env.LOVAGE_DATA }),
        log,
      });
    } catch (error) {
      await this.#stop();
      this.#refuse(error instanceof Error ? error.message : String(error));
    }
    // A second Ctrl-C, while the first one drains, means now.
    let signals = 0;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) void this.#cloud?.stop();
      });
    }
    Object.assign(globalThis, { [INVOKE]: this.#cloud.invoke });
    const proxy = pathToFileURL(ownFile("localstack/lambda/http-proxy.mjs")).href;
    await writeFile(HTTP_PROXY, `export { handler } from ${JSON.stringify(proxy)};\n`);
    // Every function answers here, also to serverless-offline's own Lambda endpoint; none runs in this process.
    for (const config of Object.values(service.functions)) {
      config.handler = HTTP_HANDLER;
      delete config.environment;
      config.events = withoutSchedules(config.events);
    }
    service.provider.environment = {};
  }

  #announce(): void {
    const url = `http://127.0.0.1:${Number(this.#httpPort)}`;
    process.stdout.write(
      [
        "",
        ...(this.#builds?.tasks.length ? [] : ["No task is registered: write one in handlers/tasks/."]),
        "Send a task:",
        this.#builds?.tasks.includes("add")
          ? `  curl -s ${url}/tasks/add -H 'Content-Type: application/json' -d '{"payload":{"x":4,"y":6}}'`
          : `  curl -s ${url}/tasks/<name> -H 'Content-Type: application/json' -d '{"payload":{…}}'`,
        "Read it, with the id that you got:",
        `  curl -s '${url}/tasks/<id>?wait=10'`,
        `See everything: ${url}`,
        process.env.LOVAGE_DATA
          ? `Everything is kept in ${process.env.LOVAGE_DATA}.`
          : "Everything is gone when this stops: LOVAGE_DATA=<folder> keeps it.",
        "",
        `Lovage is ready at ${url}`,
        "",
      ].join("\n"),
    );
  }

  get #httpPort(): unknown {
    return this.#options.httpPort ?? this.#serverless.service.custom["serverless-offline"]?.httpPort ?? 3000;
  }

  get #cloudPort(): string | number {
    return process.env.LOVAGE_CLOUD_PORT || 4566;
  }

  /** All that will be opened. */
  get #ports(): Port[] {
    const offline = this.#serverless.service.custom["serverless-offline"];
    const ports: Port[] = [
      { given: this.#httpPort, purpose: "HTTP", variable: "PORT" },
      {
        given: this.#options.lambdaPort ?? offline?.lambdaPort ?? 3002,
        purpose: "Lambda invocations",
        variable: "LAMBDA_PORT",
      },
    ];
    const cloud = { given: this.#cloudPort, purpose: "the local cloud", variable: "LOVAGE_CLOUD_PORT" };
    return process.env.AWS_ENDPOINT_URL ? ports : [...ports, cloud];
  }

  async #stop(): Promise<void> {
    await this.#builds?.stop();
    await this.#cloud?.stop();
  }
}

/** The resources of a template that do not come from `beatSchedule`. */
function withoutBeat({ Resources }: Template): Template["Resources"] {
  const isBeat = ({ Type, Properties }: TemplateResource): boolean =>
    Type === "AWS::Scheduler::Schedule" && JSON.stringify(Properties?.Target).includes('"BeatLambdaFunction"');
  return Object.fromEntries(Object.entries(Resources).filter(([, resource]) => !isBeat(resource)));
}

function isOffline(plugin: object): plugin is Offline {
  return plugin.constructor.name === "ServerlessOffline" && "start" in plugin && "end" in plugin;
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

export default LocalCloudPlugin;
