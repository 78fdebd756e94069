/**
 * Sends S3's event messages to their queues: in the order in which they were written down, again and again until SQS has
 * taken them. They wait in the store, so a restart goes on where the last run stopped.
 */
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Notice } from "./notices.ts";
import type { S3Store } from "./store.ts";

/** AWS gives up too, after hours; a queue that is gone for this long will not come back. */
const GIVE_UP_MILLISECONDS = 10 * 60 * 1000;
const FIRST_PAUSE_MILLISECONDS = 100;
const MAX_PAUSE_MILLISECONDS = 10_000;
const MAX_IN_FLIGHT = 16;

export interface NoticeDeliveryOptions {
  readonly store: S3Store;
  /** Where SQS is. */
  readonly endpoint: string;
  readonly now: () => number;
  readonly log: (line: string) => void;
}

export class NoticeDelivery {
  readonly #options: NoticeDeliveryOptions;
  readonly #clients = new Map<string, Promise<SQSClient>>();
  readonly #urls = new Map<string, string>();
  readonly #inFlight = new Map<number, Promise<void>>();
  /** Queues that refused a message: until when, is their timer's business. */
  readonly #paused = new Map<string, NodeJS.Timeout>();
  readonly #pauseMilliseconds = new Map<string, number>();
  #closed = false;

  constructor(options: NoticeDeliveryOptions) {
    this.#options = options;
  }

  /** Writes a message down, in the transaction that is open. */
  add(queueArn: string, body: string): void {
    this.#options.store.notices.add(queueArn, body, this.#options.now());
  }

  /** Sends what has been written down. */
  wake(): void {
    const free = MAX_IN_FLIGHT - this.#inFlight.size;
    if (this.#closed || free <= 0) return;
    const { notices } = this.#options.store;
    for (const notice of notices.oldest(this.#inFlight.size + free, [...this.#paused.keys()])) {
      if (!this.#inFlight.has(notice.id)) this.#inFlight.set(notice.id, this.#deliver(notice));
    }
  }

  /** Whether there is such a queue. */
  async reaches(queueArn: string): Promise<boolean> {
    try {
      await this.#findUrl(queueArn);
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "QueueDoesNotExist") return false;
      throw error;
    }
  }

  /** Lets the messages that are being sent arrive; the others wait for the next run. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#paused.values()) clearTimeout(timer);
    await Promise.all(this.#inFlight.values());
    for (const client of this.#clients.values()) (await client).destroy();
  }

  async #deliver(notice: Notice): Promise<void> {
    const { store, log, now } = this.#options;
    try {
      await this.#send(notice);
      store.notices.remove(notice.id);
      this.#pauseMilliseconds.delete(notice.queueArn);
    } catch (error) {
      this.#urls.delete(notice.queueArn);
      const gaveUp = now() - notice.since > GIVE_UP_MILLISECONDS;
      log(
        `s3: event notification to ${notice.queueArn} failed, ${gaveUp ? "and is given up" : "and is tried again"}: ${error}`,
      );
      if (gaveUp) {
        store.notices.remove(notice.id);
      } else {
        this.#pause(notice.queueArn);
      }
    } finally {
      this.#inFlight.delete(notice.id);
      this.wake();
    }
  }

  /** After a failure nothing is sent to that queue for a while, longer each time. */
  #pause(queueArn: string): void {
    if (this.#closed || this.#paused.has(queueArn)) return;
    const pauseMilliseconds = this.#pauseMilliseconds.get(queueArn) ?? FIRST_PAUSE_MILLISECONDS;
    this.#pauseMilliseconds.set(queueArn, Math.min(pauseMilliseconds * 2, MAX_PAUSE_MILLISECONDS));
    const resume = () => {
      this.#paused.delete(queueArn);
      this.wake();
    };
    this.#paused.set(queueArn, setTimeout(resume, pauseMilliseconds));
  }

  async #send({ queueArn, body }: Notice): Promise<void> {
    const { SendMessageCommand } = await import("@aws-sdk/client-sqs");
    const QueueUrl = await this.#findUrl(queueArn);
    const client = await this.#clientFor(queueArn);
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
  }

  async #findUrl(queueArn: string): Promise<string> {
    const known = this.#urls.get(queueArn);
    if (known !== undefined) return known;
    const { GetQueueUrlCommand } = await import("@aws-sdk/client-sqs");
    const client = await this.#clientFor(queueArn);
    const name = queueArn.slice(queueArn.lastIndexOf(":") + 1);
    const { QueueUrl = "" } = await client.send(new GetQueueUrlCommand({ QueueName: name }));
    this.#urls.set(queueArn, QueueUrl);
    return QueueUrl;
  }

  /** One client per region: the region is part of a queue's identity. Imported when the first notification needs it. */
  #clientFor(queueArn: string): Promise<SQSClient> {
    const region = queueArn.split(":")[3] ?? "us-east-1";
    const known = this.#clients.get(region);
    const client = known ?? createClient(this.#options.endpoint, region);
    this.#clients.set(region, client);
    return client;
  }
}

async function createClient(endpoint: string, region: string): Promise<SQSClient> {
  const { SQSClient } = await import("@aws-sdk/client-sqs");
  return new SQSClient({ endpoint, region, credentials: { accessKeyId: "s3", secretAccessKey: "s3" } });
}
