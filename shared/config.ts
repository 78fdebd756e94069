/**
 * Configuration, from the environment: read when first asked for, validated there, never at import.
 *
 * The words are Celery's settings in capitals (https://docs.celeryq.dev/en/stable/userguide/configuration.html);
 * `serverless.yml` sets them for every function, so locally and in the cloud they come the same way.
 */

import { type ApiKey, parseKeys, ROLES, type Role } from "./api-keys.ts";
import { ConfigError } from "./errors.ts";
import { MAX_TIMER_SECONDS } from "./lifetimes.ts";

/** Where the settings of a deployed or local service are written down; every ConfigError points there. */
const WHERE = "Set it under provider.environment in serverless.yml.";

const GIBIBYTE = 1_073_741_824;

export interface Config {
  /** `BROKER_URL`: the SQS queue URL of the default queue; `BROKER_URL_<NAME>` for each further queue. */
  queueUrl(queue: string): string;
  /** The configured queue that AWS knows by this name; undefined if none of ours is. */
  queueNamed(awsName: string): string | undefined;
  /** Names of all configured queues, `default` first. */
  readonly queues: readonly string[];
  /** `DEAD_LETTER_QUEUE_URL`: where SQS puts messages that it has delivered too often. */
  readonly deadLetterQueueUrl: string;
  /** `RESULT_BACKEND`: `dynamodb://<table>`; the name of the table. */
  readonly resultTable: string;
  /**
   * `RESULT_EXPIRES`: seconds that a finished task's record is kept, 3600 to 34560000 (400 days).
   * @defaultValue 86400, as Celery's `result_expires`
   */
  readonly resultExpires: number;
  /** `VERSION`: a name for the deployed code, such as a commit; groups of failures tell it. @defaultValue none */
  readonly version: string;
  /** `TASK_SERIALIZER`: only `json`. @defaultValue json */
  readonly taskSerializer: "json";
  /** `TIMEZONE`: the IANA zone of beat entries that name none. @defaultValue UTC */
  readonly timezone: string;
  /** `BEAT`: `on`, or `off` for a stage that fires no entry; preview and a run by hand still work. @defaultValue on */
  readonly beatEnabled: boolean;
  /** `UPLOADS_BUCKET`: the bucket that uploaded and derived files live in. */
  readonly uploadsBucket: string;
  /** `UPLOAD_TASK`: the task that processes an uploaded file. @defaultValue process_upload */
  readonly uploadTask: string;
  /** `UPLOAD_MAX_BYTES`: the largest file accepted, up to S3's 5 TiB. Above 100 MiB a file goes in parts. @defaultValue 5368709120 (5 GiB) */
  readonly uploadMaxBytes: number;
  /** `MAIL_URL`: `ses:`, `smtp://…` or `outbox:<folder>`, where each mail becomes an `.eml` file. @defaultValue ses: */
  readonly mailUrl: URL;
  /** `MAIL_FROM`: sender of every mail. @defaultValue lovage@example.com */
  readonly mailFrom: string;
  /**
   * `API_KEY_HASHES`: the keys that may call the API, separated by commas, each `<name>:<role>:<SHA-256 hex digest>`, or a digest
   * alone, which may everything; or `none`, which opens it to everyone and is meant for a stage that listens on loopback only. Unset
   * or empty: every call is refused.
   */
  readonly apiKeys: readonly ApiKey[] | "none";
  /** `VIEW_KEY_ROLE`: the least role of a key that the views of a function take. @defaultValue none: the view says it */
  readonly viewKeyRole: Role | undefined;
  /** `READ_ONLY`: `on` refuses every call that sends or changes. @defaultValue off */
  readonly readOnly: boolean;
  /**
   * `WORKERS`: how many workers each queue may have at once, as `default:50,high:100`. The build sets it, by the event source mappings. A
   * queue that is not in it has as many as the account allows.
   * @defaultValue none
   */
  readonly workers: ReadonlyMap<string, number>;
  /**
   * `CORS_ORIGIN`: origins of web pages that may call the API and upload, separated by commas; or `*`, any. With
   * `API_KEY_HASHES=none` pages of this machine may in any case. @defaultValue none
   */
  readonly corsOrigins: readonly string[] | "*";
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads configuration from `environment`. Each setting is checked when it is used: a sender needs no mail settings. */
export function loadConfig(environment: Environment): Config {
  const read = (variable: string): string | undefined => environment[variable] || undefined;
  const required = (variable: string, expected: string): string => {
    const value = read(variable);
    if (value === undefined) throw new ConfigError(variable, value, expected, WHERE);
    return value;
  };
  const wholeNumber = (variable: string, fallback: number, least: number, most: number): number => {
    const value = read(variable);
    const number = value === undefined ? fallback : Number(value);
    if (!Number.isSafeInteger(number) || number < least || number > most) {
      throw new ConfigError(variable, value, `a whole number, ${least} to ${most}`, WHERE);
    }
    return number;
  };

  const url = (variable: string): string => {
    const expected = "an SQS queue URL (https://… or http://…)";
    const value = required(variable, expected);
    if (!/^https?:\/\//.test(value) || !URL.canParse(value)) throw new ConfigError(variable, value, expected, WHERE);
    return value;
  };
  // Asked for with every message, so they are read once.
  const urls = new Map<string, string>();
  let queues: readonly string[] | undefined;

  const config: Config = {
    queueUrl(queue) {
      const known = urls.get(queue) ?? url(queueVariable(queue));
      urls.set(queue, known);
      return known;
    },
    queueNamed: (awsName) => config.queues.find((queue) => config.queueUrl(queue).split("/").at(-1) === awsName),
    get deadLetterQueueUrl() {
      return url("DEAD_LETTER_QUEUE_URL");
    },
    get queues() {
      queues ??= [DEFAULT_QUEUE, ...furtherQueues(environment)];
      return queues;
    },
    get resultTable() {
      const expected = "'dynamodb://<table>'";
      const value = required("RESULT_BACKEND", expected);
      const table = /^dynamodb:\/\/([A-Za-z0-9_.-]{3,255})$/.exec(value)?.[1];
      if (table === undefined) throw new ConfigError("RESULT_BACKEND", value, expected, WHERE);
      return table;
    },
    get resultExpires() {
      return wholeNumber("RESULT_EXPIRES", 86_400, 3600, MAX_TIMER_SECONDS);
    },
    get version() {
      const value = read("VERSION") ?? "";
      if (!/^[\w.+-]{0,64}$/.test(value)) {
        throw new ConfigError("VERSION", value, "at most 64 letters, digits, '.', '_', '+' and '-'", WHERE);
      }
      return value;
    },
    get taskSerializer(): "json" {
      const value = read("TASK_SERIALIZER");
      if (value !== undefined && value !== "json") {
        throw new ConfigError("TASK_SERIALIZER", value, "'json'", "Lovage speaks JSON only.");
      }
      return "json";
    },
    get beatEnabled() {
      const value = read("BEAT") ?? "on";
      if (value !== "on" && value !== "off") throw new ConfigError("BEAT", value, "'on' or 'off'", WHERE);
      return value === "on";
    },
    get timezone() {
      const value = read("TIMEZONE") ?? "UTC";
      try {
        new Intl.DateTimeFormat("en", { timeZone: value });
      } catch {
        throw new ConfigError("TIMEZONE", value, "an IANA time zone such as 'Europe/Berlin'", WHERE);
      }
      return value;
    },
    get uploadsBucket() {
      return required("UPLOADS_BUCKET", "the name of an S3 bucket");
    },
    get uploadTask() {
      return read("UPLOAD_TASK") ?? "process_upload";
    },
    get uploadMaxBytes() {
      return wholeNumber("UPLOAD_MAX_BYTES", 5 * GIBIBYTE, 1, 5120 * GIBIBYTE);
    },
    get mailUrl() {
      const value = read("MAIL_URL") ?? "ses:";
      if (!URL.canParse(value) || !["ses:", "smtp:", "smtps:", "outbox:"].includes(new URL(value).protocol)) {
        // A password may stand in it.
        const shown = value.replace(/\/\/.*@/, "//(hidden)@");
        throw new ConfigError("MAIL_URL", shown, "'ses:', 'smtp://host:port' or 'outbox:<folder>'", WHERE);
      }
      return new URL(value);
    },
    get mailFrom() {
      const value = read("MAIL_FROM") ?? "lovage@example.com";
      if (!/^[^\s<>@]+@[^\s<>@]+$/.test(value)) {
        throw new ConfigError(
          "MAIL_FROM",
          value,
          "a bare address such as 'team@example.com', for SES's permission names it",
          WHERE,
        );
      }
      return value;
    },
    get apiKeys() {
      return parseKeys(read("API_KEY_HASHES") ?? "", WHERE);
    },
    get viewKeyRole() {
      const value = read("VIEW_KEY_ROLE");
      const role = ROLES.find((one) => one === value);
      if (role !== value) throw new ConfigError("VIEW_KEY_ROLE", value, ROLES.join(", "), WHERE);
      return role;
    },
    get readOnly() {
      const value = read("READ_ONLY") ?? "off";
      if (value !== "on" && value !== "off") throw new ConfigError("READ_ONLY", value, "'on' or 'off'", WHERE);
      return value === "on";
    },
    get workers() {
      const texts = (read("WORKERS") ?? "").split(",").filter((text) => text !== "");
      return new Map(
        texts.map((text) => {
          const [, queue = "", workers] = /^([a-z][a-z0-9-]{0,62}):(\d{1,9})$/.exec(text) ?? [];
          if (workers === undefined)
            throw new ConfigError("WORKERS", text, "'<queue>:<number>', separated by commas", WHERE);
          return [queue, Number(workers)];
        }),
      );
    },
    get corsOrigins() {
      return parseOrigins(read("CORS_ORIGIN") ?? "");
    },
  };
  return config;
}

/** The variable of each setting; `queueUrl` and `queues` have `BROKER_URL` and `BROKER_URL_<NAME>`. */
const VARIABLES: { readonly [Setting in Exclude<keyof Config, "queueUrl" | "queueNamed" | "queues">]: string } = {
  deadLetterQueueUrl: "DEAD_LETTER_QUEUE_URL",
  resultTable: "RESULT_BACKEND",
  resultExpires: "RESULT_EXPIRES",
  version: "VERSION",
  taskSerializer: "TASK_SERIALIZER",
  timezone: "TIMEZONE",
  beatEnabled: "BEAT",
  uploadsBucket: "UPLOADS_BUCKET",
  uploadTask: "UPLOAD_TASK",
  uploadMaxBytes: "UPLOAD_MAX_BYTES",
  mailUrl: "MAIL_URL",
  mailFrom: "MAIL_FROM",
  apiKeys: "API_KEY_HASHES",
  viewKeyRole: "VIEW_KEY_ROLE",
  readOnly: "READ_ONLY",
  workers: "WORKERS",
  corsOrigins: "CORS_ORIGIN",
};

/**
 * Reads every setting that stands in `variables` as text, so that a build finds what would else fail when it is first used. A setting
 * that is not there, or is no text yet (CloudFormation's `Ref`), is not judged: a build cannot know what only a deployment knows.
 * @throws ConfigError for the first that cannot be used
 */
export function checkSettings(variables: Readonly<Record<string, unknown>>): void {
  const literals = Object.entries(variables).filter(([, value]) => value !== null && typeof value !== "object");
  // CloudFormation takes numbers and booleans for texts.
  const environment: Environment = Object.fromEntries(literals.map(([name, value]) => [name, String(value)]));
  const config = loadConfig(environment);
  for (const setting of Object.keys(VARIABLES).filter((name): name is keyof typeof VARIABLES => name in VARIABLES)) {
    if (environment[VARIABLES[setting]]) void config[setting];
  }
  for (const variable of Object.keys(variables).filter((name) => /^BROKER_URL(_|$)/.test(name))) {
    const queue = queueOf(variable);
    if (queue === undefined) {
      const expected = `BROKER_URL for the default queue, or BROKER_URL_<NAME> with capitals, digits and '_', a letter first`;
      throw new ConfigError(variable, environment[variable] ?? "(a reference)", expected, WHERE);
    }
    if (environment[variable]) config.queueUrl(queue);
  }
}

/**
 * Origins as a browser sends them: scheme, host, and the port if it is not the scheme's own.
 * @throws ConfigError naming the first that is none
 */
export function parseOrigins(text: string): readonly string[] | "*" {
  const origins = text.split(",").map((origin) => origin.trim());
  const present = origins.filter((origin) => origin !== "");
  if (present.length === 1 && present[0] === "*") return "*";
  for (const origin of present) {
    if (!/^https?:[^*]*$/.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin) {
      const expected =
        "origins such as 'https://app.example.com' or 'http://localhost:5173', separated by commas, or '*'";
      throw new ConfigError("CORS_ORIGIN", origin, expected, "An origin ends before its path, and has no '/' there.");
    }
  }
  return present;
}

function furtherQueues(environment: Environment): string[] {
  const names = Object.keys(environment).flatMap((variable) => queueOf(variable) ?? []);
  return names.filter((name) => name !== DEFAULT_QUEUE).sort();
}

/** The queue that a variable names, if it is one that may: `BROKER_URL_BULK_MAIL` is `bulk-mail`, and no other variable is. */
export function queueOf(variable: string): string | undefined {
  if (variable === queueVariable(DEFAULT_QUEUE)) return DEFAULT_QUEUE;
  const name = /^BROKER_URL_([A-Z][A-Z0-9_]{0,62})$/.exec(variable)?.[1]?.toLowerCase().replaceAll("_", "-");
  return name === DEFAULT_QUEUE ? undefined : name;
}

/** The queue of tasks that name none. */
export const DEFAULT_QUEUE = "default";

/** `bulk-mail` → `BROKER_URL_BULK_MAIL` */
export function queueVariable(queue: string): string {
  return queue === DEFAULT_QUEUE ? "BROKER_URL" : `BROKER_URL_${queue.toUpperCase().replaceAll("-", "_")}`;
}
