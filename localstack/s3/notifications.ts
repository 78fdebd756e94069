/**
 * Event notifications: which queue a bucket tells of which changes, and in S3's own words.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 *
 * A message is written down in the transaction of the change that it tells of, and sent by `NoticeDelivery` until SQS has
 * taken it: at least once, in no promised order, as on AWS. Only queues are told.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { S3Error } from "./error.ts";
import type { NoticeDelivery } from "./notification-delivery.ts";
import type { ObjectChange, S3Store } from "./store.ts";
import { childrenOf, parseXml, textOf, type XmlElement } from "./xml.ts";

export interface QueueConfiguration {
  readonly id: string;
  readonly queueArn: string;
  /** `s3:ObjectCreated:*`, … */
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** Those that the local S3 can raise. */
const EVENTS = [
  ...["Put", "Post", "Copy", "CompleteMultipartUpload"].map((how) => `s3:ObjectCreated:${how}`),
  "s3:ObjectRemoved:Delete",
];
/** Accepted by S3 and never raised here: buckets have no versions, tags or expiry of their own. */
const SILENT_EVENTS =
  /^s3:(ObjectRemoved:DeleteMarkerCreated|ReducedRedundancyLostObject|(ObjectRestore|ObjectTagging|ObjectAcl|Replication|LifecycleExpiration|LifecycleTransition|IntelligentTiering)(:[\w*]+)?)$/;

export class Notifications {
  readonly #store: S3Store;
  readonly #delivery: NoticeDelivery;
  readonly #configurations = new Map<string, readonly QueueConfiguration[]>();
  readonly #now: () => number;

  constructor(store: S3Store, delivery: NoticeDelivery, now: () => number) {
    this.#store = store;
    this.#delivery = delivery;
    this.#now = now;
    store.watch({ changed: (change) => this.#note(change), committed: () => delivery.wake() });
  }

  /** Takes a new configuration, in place of the old one, and sends its queues the test event. @throws S3Error */
  async put(bucket: string, xml: string): Promise<void> {
    const configurations = parseNotifications(xml);
    const queueArns = new Set(configurations.map(({ queueArn }) => queueArn));
    for (const queueArn of queueArns) {
      if (!(await this.#delivery.reaches(queueArn))) {
        throw new S3Error("InvalidArgument", "Unable to validate the following destination configurations", {
          ArgumentName: queueArn,
          ArgumentValue: "The destination queue does not exist",
        });
      }
    }
    this.#store.transaction(() => {
      this.#store.putSetting(bucket, "notification", xml);
      for (const queueArn of queueArns) this.#delivery.add(queueArn, JSON.stringify(testEvent(bucket, this.#now())));
    });
    this.#configurations.set(bucket, configurations);
    this.#delivery.wake();
  }

  /** The bucket is gone, or another of its name begins. */
  forget(bucket: string): void {
    this.#configurations.delete(bucket);
  }

  #note(change: ObjectChange): void {
    for (const configuration of this.#configurationsOf(change.bucket)) {
      if (isWanted(configuration, change)) {
        this.#delivery.add(configuration.queueArn, JSON.stringify(eventMessage(configuration, change, this.#now())));
      }
    }
  }

  #configurationsOf(bucket: string): readonly QueueConfiguration[] {
    let configurations = this.#configurations.get(bucket);
    if (configurations === undefined) {
      const xml = this.#store.setting(bucket, "notification");
      configurations = xml === undefined ? [] : parseNotifications(xml);
      this.#configurations.set(bucket, configurations);
    }
    return configurations;
  }
}

/** @throws S3Error if the document is no configuration, or one that S3 or this S3 does not take */
function parseNotifications(xml: string): QueueConfiguration[] {
  const root = parseXml(xml);
  if (root?.name !== "NotificationConfiguration") throw S3Error.malformedXml();
  const other = root.children.find((child) => child.name !== "QueueConfiguration");
  if (other !== undefined) throw S3Error.notImplemented(`A notification by ${other.name}: only QueueConfiguration`);
  const configurations = childrenOf(root, "QueueConfiguration").map(parseConfiguration);
  configurations.forEach((configuration, index) => {
    for (const earlier of configurations.slice(0, index)) {
      if (overlap(configuration, earlier)) {
        throw new S3Error(
          "InvalidArgument",
          "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
          { ArgumentName: earlier.id, ArgumentValue: configuration.id },
        );
      }
    }
  });
  return configurations;
}

function parseConfiguration(element: XmlElement): QueueConfiguration {
  const queueArn = textOf(element, "Queue") ?? "";
  const events = childrenOf(element, "Event").map((event) => event.text.trim());
  if (!/^arn:aws[\w-]*:sqs:[\w-]+:\d{12}:[\w-]+(\.fifo)?$/.test(queueArn)) {
    throw new S3Error("InvalidArgument", "The ARN could not be parsed", {
      ArgumentName: "Queue",
      ArgumentValue: queueArn,
    });
  }
  if (queueArn.endsWith(".fifo")) {
    throw new S3Error(
      "InvalidArgument",
      "Unable to validate the following destination configurations: FIFO queues are not supported",
    );
  }
  const unknown = events.find((event) => matchingEvents(event).length === 0 && !SILENT_EVENTS.test(event));
  if (events.length === 0 || unknown !== undefined) {
    throw new S3Error("InvalidArgument", `The event '${unknown ?? ""}' is not supported for notifications`);
  }
  const filter = { prefix: "", suffix: "" };
  const rules = childrenOf(element, "Filter").flatMap((parent) => childrenOf(parent, "S3Key"));
  for (const rule of rules.flatMap((parent) => childrenOf(parent, "FilterRule"))) {
    const name = (textOf(rule, "Name") ?? "").toLowerCase();
    if (name !== "prefix" && name !== "suffix") {
      throw new S3Error("InvalidArgument", "filter rule name must be either prefix or suffix");
    }
    filter[name] = childrenOf(rule, "Value")[0]?.text ?? "";
  }
  return { id: textOf(element, "Id") || randomUUID(), queueArn, events, ...filter };
}

/** Two configurations may not both want one change: their events, their prefixes and their suffixes all meet. */
function overlap(one: QueueConfiguration, other: QueueConfiguration): boolean {
  const events = new Set(one.events.flatMap(matchingEvents));
  return (
    other.events.flatMap(matchingEvents).some((event) => events.has(event)) &&
    (one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix)) &&
    (one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix))
  );
}

function isWanted({ events, prefix, suffix }: QueueConfiguration, { eventName, key }: ObjectChange): boolean {
  return (
    key.startsWith(prefix) &&
    key.endsWith(suffix) &&
    events.some((event) => matchingEvents(event).includes(`s3:${eventName}`))
  );
}

/** `s3:ObjectCreated:*` stands for every event of its kind. */
function matchingEvents(event: string): string[] {
  return EVENTS.filter((known) => known === event || (event.endsWith(":*") && known.startsWith(event.slice(0, -1))));
}

function testEvent(bucket: string, now: number) {
  return {
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(now).toISOString(),
    Bucket: bucket,
    RequestId: requestId(),
    HostId: randomBytes(48).toString("base64"),
  };
}

function eventMessage(configuration: QueueConfiguration, change: ObjectChange, now: number) {
  const { eventName, bucket, key, object, sequence, sourceIp } = change;
  const record = {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: configuration.queueArn.split(":")[3],
    eventTime: new Date(now).toISOString(),
    eventName,
    userIdentity: { principalId: "AWS:AIDALOCALSTACK" },
    requestParameters: { sourceIPAddress: sourceIp },
    responseElements: { "x-amz-request-id": requestId(), "x-amz-id-2": randomBytes(48).toString("base64") },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId: configuration.id,
      bucket: { name: bucket, ownerIdentity: { principalId: "A1LOCALSTACK" }, arn: `arn:aws:s3:::${bucket}` },
      object: {
        key: encodeKey(key),
        ...(object === undefined ? {} : { size: object.size, eTag: object.etag.replaceAll('"', "") }),
        sequencer: sequence.toString(16).toUpperCase().padStart(18, "0"),
      },
    },
  };
  return { Records: [record] };
}

/** As S3 writes keys in events: like a form, `+` for a space, slashes as they are. */
function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+")
    .replaceAll("%2F", "/");
}

function requestId(): string {
  return randomBytes(8).toString("hex").toUpperCase();
}
