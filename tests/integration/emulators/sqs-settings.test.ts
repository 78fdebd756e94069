/** Queues, their attributes, tags and permissions; recorded answers are in LocalStack's repository, tests/aws/services/sqs/test_sqs.snapshot.json. */
import {
  AddPermissionCommand,
  type AddPermissionCommandInput,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  InvalidAttributeName,
  InvalidAttributeValue,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  OverLimit,
  PurgeQueueCommand,
  QueueNameExists,
  RemovePermissionCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { arnOf, createQueue, errorOf, uniqueName } from "./cloud.ts";
import { post, receive, redrive, send, sqs } from "./sqs-ground.ts";

const create = (QueueName: string, Attributes: Record<string, string> = {}) =>
  sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
const set = (QueueUrl: string, Attributes: Record<string, string>) =>
  sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
async function all(QueueUrl: string): Promise<Record<string, string>> {
  const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
  return Attributes;
}

describe("a queue's name", () => {
  it.each(["", "a/b", "a b", "a.b", "ü", "a".repeat(81), ".fifo", `${"a".repeat(76)}.fifo`])(
    "cannot be %j",
    async (name) => {
      const refused = await errorOf(create(name, name.endsWith(".fifo") ? { FifoQueue: "true" } : {}));

      expect(refused).toMatchObject({
        name: "InvalidParameterValue",
        message: expect.stringContaining("1 to 80 in length"),
      });
    },
  );

  it("is not empty where it is asked for, either", async () => {
    const refused = await errorOf(sqs.send(new GetQueueUrlCommand({ QueueName: "" })));

    expect(refused).toMatchObject({
      name: "InvalidParameterValue",
      message: expect.stringContaining("1 to 80 in length"),
    });
  });

  it("may have 80 characters", async () => {
    expect((await create("a".repeat(80))).QueueUrl).toContain("aaa");
    expect((await create(`${"a".repeat(75)}.fifo`, { FifoQueue: "True" })).QueueUrl).toContain(".fifo");
  });
});

describe("a queue's attributes", () => {
  // Recorded: test_create_standard_queue_with_fifo_attribute_raises_error, test_set_unsupported_attribute_standard.
  it.each([
    [{ VisibilityTimeOut: "5" }, InvalidAttributeName, "Unknown Attribute VisibilityTimeOut."],
    [{ QueueArn: "x" }, InvalidAttributeName, "Unknown Attribute QueueArn."],
    [{ FifoQueue: "false" }, InvalidAttributeName, "Unknown Attribute FifoQueue."],
    [{ ContentBasedDeduplication: "true" }, InvalidAttributeName, "Unknown Attribute ContentBasedDeduplication."],
    [
      { DeduplicationScope: "queue" },
      InvalidAttributeName,
      "You can specify the DeduplicationScope only when FifoQueue is set to true.",
    ],
    [{ VisibilityTimeout: "43201" }, InvalidAttributeValue, /^Invalid value for the parameter VisibilityTimeout\./],
    [{ VisibilityTimeout: "1.5" }, InvalidAttributeValue, /'1\.5' is not a whole number from 0 to 43200/],
    [{ VisibilityTimeout: "" }, InvalidAttributeValue, /VisibilityTimeout/],
    [{ DelaySeconds: "-1" }, InvalidAttributeValue, /DelaySeconds/],
    [{ MaximumMessageSize: "1023" }, InvalidAttributeValue, /MaximumMessageSize/],
    [{ MessageRetentionPeriod: "59" }, InvalidAttributeValue, /MessageRetentionPeriod/],
    [{ ReceiveMessageWaitTimeSeconds: "21" }, InvalidAttributeValue, /ReceiveMessageWaitTimeSeconds/],
    [{ KmsDataKeyReusePeriodSeconds: "59" }, InvalidAttributeValue, /KmsDataKeyReusePeriodSeconds/],
    [{ SqsManagedSseEnabled: "yes" }, InvalidAttributeValue, /SqsManagedSseEnabled/],
    [{ Policy: "no" }, InvalidAttributeValue, /Policy/],
    // Recorded: test_sse_kms_and_sqs_are_mutually_exclusive.
    [{ KmsMasterKeyId: "k", SqsManagedSseEnabled: "true" }, InvalidAttributeName, /one type of server-side/],
  ])("cannot be %j, at first or later", async (attributes, kind, message) => {
    const url = await createQueue(sqs);
    const before = await all(url);

    for (const refused of [await errorOf(create(uniqueName(), attributes)), await errorOf(set(url, attributes))]) {
      expect(refused).toBeInstanceOf(kind);
      expect(refused).toMatchObject({ message: expect.stringMatching(message) });
    }
    expect(await all(url)).toEqual(before);
  });

  // Recorded: test_set_unsupported_attribute_fifo.
  it("do not make another kind of queue of it", async () => {
    const fifo = await createQueue(sqs, { FifoQueue: "true" }, `${uniqueName()}.fifo`);

    await set(fifo, { FifoQueue: "true" });

    expect(await errorOf(set(fifo, { FifoQueue: "false" }))).toMatchObject({
      name: "InvalidAttributeValue",
      message: "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    });
  });

  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html; moto: test_get_queue_attributes_no_param.
  it("are given to those who name them", async () => {
    const url = await createQueue(sqs);

    const none = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url }));
    const absent = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["Policy"] }));

    expect([none.Attributes, absent.Attributes]).toEqual([undefined, undefined]);
  });

  // Recorded: test_set_queue_attributes_default_values, test_set_empty_redrive_policy; moto: test_set_queue_attribute_empty_policy_removes_attr.
  it("that are empty, or as they were at first, are gone", async () => {
    const dead = await createQueue(sqs);
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
    const kms = { KmsMasterKeyId: "k", KmsDataKeyReusePeriodSeconds: "6000" };
    const allow = { RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' };
    const url = await createQueue(sqs, { Policy, ...redrive(dead, 3), ...kms, ...allow });
    const empty = { Policy: "", RedrivePolicy: "", KmsMasterKeyId: "", RedriveAllowPolicy: "" };

    expect(await all(url)).toMatchObject({ Policy, ...kms, ...allow, SqsManagedSseEnabled: "false" });
    await set(url, { ...empty, KmsDataKeyReusePeriodSeconds: "300" });
    const plain = await createQueue(sqs, empty);

    for (const attributes of [await all(url), await all(plain)]) {
      for (const name of Object.keys({ ...empty, ...kms })) expect(attributes).not.toHaveProperty(name);
    }
    expect((await all(url)).SqsManagedSseEnabled).toBe("false");
  });

  it("that differ from those of the queue that is there refuse its creation, the same ones do not", async () => {
    const dead = await createQueue(sqs);
    const name = uniqueName();
    const url = await createQueue(sqs, { DelaySeconds: "3", ...redrive(dead, "5") }, name);

    const same = await create(name, { DelaySeconds: "03", ...redrive(dead, 5) });
    const fewer = await create(name);

    expect([same.QueueUrl, fewer.QueueUrl]).toEqual([url, url]);
    for (const other of [{ DelaySeconds: "4" }, redrive(dead, 6), { KmsMasterKeyId: "k" }, { Policy: "{}" }]) {
      expect(await errorOf(create(name, other))).toBeInstanceOf(QueueNameExists);
    }
  });
});

describe("dead letters", () => {
  // moto: test_redrive_policy_set_attributes_with_string_value.
  it("have a policy that is given back with its count as a number", async () => {
    const dead = await createQueue(sqs);

    const url = await createQueue(sqs, redrive(dead, "5"));

    expect((await all(url)).RedrivePolicy).toBe(redrive(dead, 5).RedrivePolicy);
  });

  // LocalStack, validated on AWS: test_redrive_policy_attribute_validity.
  it.each([
    ["no", /not a valid JSON map/],
    ['{"maxReceiveCount":1}', /mandatory attribute: deadLetterTargetArn/],
    ['{"deadLetterTargetArn":"ARN"}', /mandatory attribute: maxReceiveCount/],
    ['{"deadLetterTargetArn":"ARN","maxReceiveCount":"invalid"}', /valid values are from 1 to 1000/],
    ['{"deadLetterTargetArn":"ARN","maxReceiveCount":1001}', /valid values are from 1 to 1000/],
    ['{"deadLetterTargetArn":"ARN","maxReceiveCount":true}', /valid values are from 1 to 1000/],
    ['{"deadLetterTargetArn":"ARN","maxReceiveCount":1,"delay":2}', /Only following attributes/],
  ])("cannot have the policy %s", async (text, message) => {
    const url = await createQueue(sqs);
    const RedrivePolicy = text.replace("ARN", arnOf(url));

    for (const refused of [
      await errorOf(create(uniqueName(), { RedrivePolicy })),
      await errorOf(set(url, { RedrivePolicy })),
    ]) {
      expect(refused).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(message) });
    }
  });

  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html, RedriveAllowPolicy
  it("are taken from the queues that RedriveAllowPolicy names", async () => {
    const name = uniqueName();
    const by = JSON.stringify({ redrivePermission: "byQueue", sourceQueueArns: [arnOf(name)] });
    const some = await createQueue(sqs, { RedriveAllowPolicy: by });
    const none = await createQueue(sqs, { RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' });

    const named = await create(name, redrive(some, 1));
    const others = [redrive(some, 1), redrive(none, 1)].map((policy) => errorOf(create(uniqueName(), policy)));

    expect(named.QueueUrl).toContain(name);
    expect(await Promise.all(others)).toMatchObject([
      { message: expect.stringMatching(/not permitted/) },
      { message: expect.stringMatching(/not permitted/) },
    ]);
    const wrong = ["[]", '{"redrivePermission":"all"}', '{"redrivePermission":"byQueue"}'];
    for (const RedriveAllowPolicy of wrong) {
      expect(await errorOf(set(some, { RedriveAllowPolicy }))).toMatchObject({ name: "InvalidParameterValue" });
    }
  });

  it("have sources, which are listed in pages", async () => {
    const dead = await createQueue(sqs);
    const names = ["b", "B", "a"].map((letter) => `${letter}-${uniqueName()}`);
    for (const name of names) await createQueue(sqs, redrive(dead, 3), name);
    const list = (more = {}) => sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead, ...more }));

    const whole = await list();
    const first = await list({ MaxResults: 2 });
    const second = await list({ MaxResults: 2, NextToken: first.NextToken });
    const none = await post("ListDeadLetterSourceQueues", { QueueUrl: await createQueue(sqs) });

    const tail = (url: string) => url.split("/").at(-1);
    expect(whole.queueUrls?.map(tail)).toEqual([names[1], names[2], names[0]]);
    expect([...(first.queueUrls ?? []), ...(second.queueUrls ?? [])]).toEqual(whole.queueUrls);
    expect([first.NextToken, second.NextToken]).toEqual([expect.any(String), undefined]);
    // The model says that this member is always there.
    expect(none.body).toEqual({ queueUrls: [] });
    expect(await errorOf(list({ MaxResults: 0 }))).toMatchObject({ name: "InvalidParameterValue" });
    expect(await errorOf(list({ MaxResults: 1, NextToken: "made up" }))).toMatchObject({
      name: "InvalidParameterValue",
    });
  });
});

describe("lists", () => {
  it("of queues come in pages of the asked size, and leave out what is empty", async () => {
    const prefix = uniqueName();
    for (const letter of ["b", "B", "a"]) await createQueue(sqs, {}, `${prefix}${letter}`);
    const list = (more = {}) => sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix, ...more }));

    const pages: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await list({ MaxResults: 1, NextToken });
      pages.push(...(page.QueueUrls ?? []));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);

    expect(pages).toEqual((await list()).QueueUrls);
    expect(pages).toHaveLength(3);
    expect((await post("ListQueues", { QueueNamePrefix: "missing-" })).body).toEqual({});
  });
});

describe("tags", () => {
  const numbered = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
  const tag = (QueueUrl: string, Tags: Record<string, string>) => sqs.send(new TagQueueCommand({ QueueUrl, Tags }));

  // Recorded: test_tag_untag_queue. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html
  it("are at most 50, and absent when there are none", async () => {
    const url = await createQueue(sqs);
    await tag(url, numbered(50));

    await tag(url, { k0: "" });
    const many = await errorOf(tag(url, { more: "v" }));
    const first = await errorOf(sqs.send(new CreateQueueCommand({ QueueName: uniqueName(), tags: numbered(51) })));
    expect(await errorOf(tag(url, {}))).toMatchObject({ name: "MissingParameter" });
    await sqs.send(new UntagQueueCommand({ QueueUrl: url, TagKeys: Object.keys(numbered(50)) }));

    expect(many).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(/^Too many tags/) });
    expect(first).toMatchObject({ name: "InvalidParameterValue" });
    expect((await sqs.send(new ListQueueTagsCommand({ QueueUrl: url }))).Tags).toBeUndefined();
  });

  it.each([{ "aws:x": "v" }, { ["k".repeat(129)]: "v" }, { "": "v" }, { k: "v".repeat(257) }])(
    "cannot be %j",
    async (tags) => {
      const url = await createQueue(sqs);

      expect(await errorOf(tag(url, tags))).toMatchObject({ name: "InvalidParameterValue" });
    },
  );
});

describe("permissions", () => {
  const permit = (QueueUrl: string, input: Partial<AddPermissionCommandInput> = {}) =>
    sqs.send(
      new AddPermissionCommand({
        QueueUrl,
        Label: "first",
        AWSAccountIds: ["111111111111"],
        Actions: ["ReceiveMessage"],
        ...input,
      }),
    );
  const withdraw = (QueueUrl: string, Label: string) => sqs.send(new RemovePermissionCommand({ QueueUrl, Label }));

  // Recorded: test_sqs_permission_lifecycle.
  it("are statements of the queue's policy", async () => {
    const url = await createQueue(sqs);
    await permit(url);
    await permit(url, {
      Label: "second",
      AWSAccountIds: ["111111111111", "222222222222"],
      Actions: ["*", "SendMessage"],
    });

    const arn = arnOf(url);
    const policy = JSON.parse((await all(url)).Policy ?? "{}");
    expect(policy).toEqual({
      Version: "2008-10-17",
      Id: `${arn}/SQSDefaultPolicy`,
      Statement: [
        {
          Sid: "first",
          Effect: "Allow",
          Action: "SQS:ReceiveMessage",
          Resource: arn,
          Principal: { AWS: "arn:aws:iam::111111111111:root" },
        },
        {
          Sid: "second",
          Effect: "Allow",
          Action: ["SQS:*", "SQS:SendMessage"],
          Resource: arn,
          Principal: { AWS: ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"] },
        },
      ],
    });
    expect(await errorOf(permit(url))).toMatchObject({
      message: "Value first for parameter Label is invalid. Reason: Already exists.",
    });
    await withdraw(url, "first");
    await withdraw(url, "second");
    expect(await all(url)).not.toHaveProperty("Policy");
    expect(await errorOf(withdraw(url, "second"))).toMatchObject({
      message: "Value second for parameter Label is invalid. Reason: can't find label.",
    });
  });

  it("are refused for what AWS does not know", async () => {
    const url = await createQueue(sqs);

    // moto: test_add_permission_errors.
    expect(await errorOf(permit(url, { Actions: ["Fly"] }))).toMatchObject({
      message: expect.stringMatching(/^Value SQS:Fly for parameter ActionName is invalid\. Reason: Please refer/),
    });
    expect(await errorOf(permit(url, { Actions: ["RemovePermission"] }))).toMatchObject({
      message: expect.stringMatching(/Only the queue owner is allowed to invoke this action\.$/),
    });
    expect(await errorOf(permit(url, { Actions: [] }))).toMatchObject({ name: "MissingParameter" });
    for (const AWSAccountIds of [[], ["me"]]) {
      expect(await errorOf(permit(url, { AWSAccountIds }))).toMatchObject({
        message: `Value [${AWSAccountIds}] for parameter PrincipalId is invalid. Reason: Unable to verify.`,
      });
    }
    expect(await errorOf(permit(url, { Label: "a b" }))).toMatchObject({ name: "InvalidParameterValue" });
    expect(await errorOf(permit(url, { Label: "" }))).toMatchObject({ name: "InvalidParameterValue" });
    expect(await errorOf(permit(url, { Actions: Array(8).fill("*") }))).toBeInstanceOf(OverLimit);
  });
});

describe("unlike AWS, which makes a developer wait for 60 seconds", () => {
  it("a queue can be purged again at once", async () => {
    const url = await createQueue(sqs);
    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
    await send(url, "x");

    await sqs.send(new PurgeQueueCommand({ QueueUrl: url }));

    expect(await receive(url)).toEqual([]);
  });
});
