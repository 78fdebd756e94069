/** Requests that SQS refuses, in its words; recorded answers are in LocalStack's repository, tests/aws/services/sqs/test_sqs.snapshot.json. */
import {
  BatchEntryIdsNotDistinct,
  BatchRequestTooLong,
  CreateQueueCommand,
  EmptyBatchRequest,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  InvalidAttributeName,
  InvalidAttributeValue,
  InvalidBatchEntryId,
  InvalidMessageContents,
  type MessageAttributeValue,
  QueueDoesNotExist,
  QueueNameExists,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  StartMessageMoveTaskCommand,
  TooManyEntriesInBatchRequest,
  UnsupportedOperation,
} from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { createQueue, errorOf, uniqueName } from "./cloud.ts";
import { cloud, post, receive, send, sqs } from "./sqs-ground.ts";

const sendBatch = (QueueUrl: string, Entries: SendMessageBatchRequestEntry[]) =>
  sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ Id: String(index), MessageBody: "x" }));

describe("an error of SQS", () => {
  // The service's model, trait awsQueryError: by it the SDK finds the class.
  it("is an instance of the SDK's class, with its name", async () => {
    const QueueName = uniqueName();
    const url = await createQueue(sqs, {}, QueueName);
    const again = { QueueName, Attributes: { DelaySeconds: "2" } };
    const outside = { QueueName: uniqueName(), Attributes: { DelaySeconds: "901" } };

    const errors = await Promise.all([
      errorOf(sqs.send(new CreateQueueCommand(again))),
      errorOf(createQueue(sqs, { Nonsense: "1" })),
      errorOf(sqs.send(new CreateQueueCommand(outside))),
      errorOf(send(url, "\u0001")),
      errorOf(send(`${url}-missing`, "x")),
      errorOf(sqs.send(new GetQueueUrlCommand({ QueueName: "missing" }))),
      errorOf(sendBatch(url, [])),
      errorOf(sendBatch(url, numbered(20))),
      errorOf(sendBatch(url, [{ Id: "invalid:id", MessageBody: "x" }])),
      errorOf(sendBatch(url, [...numbered(1), ...numbered(1)])),
      errorOf(sendBatch(url, [{ Id: "a", MessageBody: "x".repeat(1024 * 1024 + 1) }])),
    ]);

    const classes = [
      ...[QueueNameExists, InvalidAttributeName, InvalidAttributeValue, InvalidMessageContents, QueueDoesNotExist],
      ...[QueueDoesNotExist, EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId],
      ...[BatchEntryIdsNotDistinct, BatchRequestTooLong],
    ];
    expect(errors.map((error, index) => error instanceof (classes[index] ?? Error))).toEqual(classes.map(() => true));
    expect(errors.map((error) => Object(error).name)).toEqual(classes.map(({ name }) => name));
    expect(errors.map((error) => Object(error).message).slice(6)).toEqual([
      "There should be at least one SendMessageBatchRequestEntry in the request.",
      "Maximum number of entries per request are 10. You have sent 20.",
      "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      "Id 0 repeated.",
      "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    ]);
  });

  // Recorded: test_create_queue_with_different_attributes_raises_exception (Code QueueAlreadyExists, QueryErrorCode QueueNameExists).
  it("has the model's name in its body, and the older protocol's in its header", async () => {
    const QueueName = uniqueName();
    await createQueue(sqs, {}, QueueName);

    const exists = await post("CreateQueue", { QueueName, Attributes: { DelaySeconds: "1" } });
    const wrong = await post("ReceiveMessage", { QueueUrl: QueueName, WaitTimeSeconds: 21 });
    const missing = await post("SendMessage", { QueueUrl: QueueName, MessageBody: "" });

    expect([exists, wrong, missing].map(({ body }) => body.__type)).toEqual([
      "com.amazonaws.sqs#QueueNameExists",
      "com.amazonaws.sqs#InvalidParameterValueException",
      "com.amazonaws.sqs#MissingRequiredParameterException",
    ]);
    expect([exists, wrong, missing].map(({ headers }) => headers.get("x-amzn-query-error"))).toEqual([
      ...["QueueAlreadyExists;Sender", "InvalidParameterValue;Sender", "MissingParameter;Sender"],
    ]);
  });

  it("has a request id, as every answer has", async () => {
    const url = await createQueue(sqs);
    const answer = await send(url, "x");
    const refused = await errorOf(send(`${url}-missing`, "x"));
    const query = await fetch(cloud.gateway.endpoint, { method: "GET", headers: { "x-amz-target": "AmazonSQS.X" } });

    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect([answer, refused].map((one) => Object(one).$metadata.requestId)).toEqual([id, id]);
    expect(query.headers.get("x-amzn-requestid")).toEqual(id);
  });
});

describe("message attributes", () => {
  const text = (StringValue: string, DataType = "String"): MessageAttributeValue => ({ DataType, StringValue });
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`a${index}`, text("x")]));

  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
  it.each<[string, Record<string, MessageAttributeValue>, RegExp]>([
    // Recorded: test_send_message_with_empty_string_attribute.
    ["that are empty", { ErrorDetails: text("") }, /'ErrorDetails' must contain a non-empty value of type 'String'\.$/],
    ["without a value", { a: { DataType: "String" } }, /non-empty value/],
    ["with a value of another kind", { a: { DataType: "String", BinaryValue: Buffer.from("x") } }, /non-empty value/],
    ["with two values", { a: { ...text("x"), BinaryValue: Buffer.from("x") } }, /non-empty value/],
    ["with a number that is none", { a: text("12a", "Number") }, /to a number/],
    ["with a number that is too long", { a: text("1".repeat(39), "Number.int") }, /to a number/],
    ["of an unknown type", { a: text("x", "Strings") }, /invalid message attribute type/],
    ["of a type that is too long", { a: text("x", `String.${"x".repeat(250)}`) }, /types must be shorter/],
    ["with a reserved name", { "AWS.x": text("x") }, /beginning with 'AWS\.'/],
    ["with a name that ends at a dot", { "a.": text("x") }, /start or end with/],
    ["with two dots in a name", { "a..b": text("x") }, /start or end with/],
    [
      "with a space in a name",
      { "a b": text("x") },
      /name 'a b' is invalid\. Attribute name can contain A-Z, a-z, 0-9/,
    ],
    ["with an accent in a name", { öther: text("x") }, /name 'öther' is invalid/],
    ["with a name that is too long", { ["a".repeat(257)]: text("x") }, /names must be shorter/],
    ["with a control character", { a: text("\u0001") }, /Invalid characters found/],
    ["of more than ten", many, /\[11\] exceeds the allowed maximum \[10\]/],
  ])("%s are refused, alone and in a batch", async (_what, MessageAttributes, message) => {
    const url = await createQueue(sqs);
    const Entries = [{ Id: "bad", MessageBody: "x", MessageAttributes }, ...numbered(1)];

    const single = await errorOf(send(url, "x", { MessageAttributes }));
    const batch = await sendBatch(url, Entries);

    expect(single).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(message) });
    const Message = expect.stringMatching(message);
    expect(batch.Failed).toEqual([{ Id: "bad", Code: "InvalidParameterValue", SenderFault: true, Message }]);
    expect(batch.Successful).toMatchObject([{ Id: "0" }]);
  });

  it("of every kind that AWS takes arrive as they were sent", async () => {
    const url = await createQueue(sqs);
    const MessageAttributes = {
      "a.b-c_9": text("grüße"),
      number: text("-1.5e3", "Number"),
      "custom.int": text("007", "Number.int"),
      bytes: { DataType: "Binary.png", BinaryValue: new Uint8Array([0, 255]) },
      Under: text("x", "String.json"),
    };

    await send(url, "x", { MessageAttributes });
    const [message] = await receive(url, { MessageAttributeNames: ["All"] });

    expect(message?.MessageAttributes).toEqual(MessageAttributes);
  });

  it("of the system are the trace header alone", async () => {
    const url = await createQueue(sqs);

    const other = await post("SendMessage", {
      QueueUrl: url,
      MessageBody: "x",
      MessageSystemAttributes: { SenderId: text("x") },
    });
    const empty = await errorOf(send(url, "x", { MessageSystemAttributes: { AWSTraceHeader: text("") } }));

    expect(other.body).toMatchObject({ message: expect.stringMatching(/'SenderId' is invalid/) });
    expect(empty).toMatchObject({ name: "InvalidParameterValue" });
  });
});

describe("a batch", () => {
  it("with an empty body is refused whole", async () => {
    const url = await createQueue(sqs);

    const refused = await errorOf(sendBatch(url, [...numbered(1), { Id: "empty", MessageBody: "" }]));

    expect(refused).toMatchObject({ name: "MissingParameter", message: expect.stringMatching(/MessageBody/) });
    expect(await receive(url)).toEqual([]);
  });

  // moto, verified on AWS: test_send_message_batch_errors.
  it("takes ids of up to 80 characters", async () => {
    const url = await createQueue(sqs);

    const { Successful } = await sendBatch(url, [{ Id: "i".repeat(80), MessageBody: "x" }]);
    const refused = await errorOf(sendBatch(url, [{ Id: "i".repeat(81), MessageBody: "x" }]));

    expect(Successful).toHaveLength(1);
    expect(refused).toBeInstanceOf(InvalidBatchEntryId);
  });
});

describe("the door", () => {
  it("refuses an operation that is not done, by name", async () => {
    const refused = await errorOf(sqs.send(new StartMessageMoveTaskCommand({ SourceArn: "arn:aws:sqs:::x" })));

    expect(refused).toBeInstanceOf(UnsupportedOperation);
    expect(refused).toMatchObject({ message: expect.stringMatching(/^Operation 'StartMessageMoveTask' is not done/) });
  });

  it.each([
    ["an unknown parameter", "SendMessage", { MessageBody: "x", Delay: 5 }, /'Delay' of SendMessage is not done here/],
    ["one that is not done", "ReceiveMessage", { ReceiveRequestAttemptId: "a" }, /'ReceiveRequestAttemptId'/],
    [
      "one of an entry",
      "SendMessageBatch",
      { Entries: [{ Id: "a", MessageBody: "x", Delay: 1 }] },
      /'Delay' of an entry/,
    ],
    ["text for a number", "ReceiveMessage", { WaitTimeSeconds: "1" }, /WaitTimeSeconds .* '1': expected a number/],
    ["a number for text", "SendMessage", { MessageBody: 5 }, /MessageBody .* 5: expected text/],
    ["an entry that is none", "DeleteMessageBatch", { Entries: [null] }, /Entries .*: expected a list of objects/],
    ["a name of a prototype", "SendMessage", { MessageBody: "x", constructor: 1 }, /'constructor'/],
  ])("refuses %s", async (_what, action, input, message) => {
    const QueueUrl = await createQueue(sqs);

    const { status, body } = await post(action, { QueueUrl, ...input });

    expect([status, body.message]).toEqual([400, expect.stringMatching(message)]);
  });

  it("takes null for absent, as AWS does, and refuses what is no JSON", async () => {
    const QueueUrl = await createQueue(sqs);

    expect((await post("SendMessage", { QueueUrl, MessageBody: "x", DelaySeconds: null })).status).toBe(200);
    for (const body of ["{", "[]", "5"]) {
      expect(await post("SendMessage", body)).toMatchObject({
        status: 400,
        body: { __type: "com.amazonaws.sqs#SerializationException" },
      });
    }
  });

  it("refuses attributes that SQS does not have, of a queue and of a message", async () => {
    const url = await createQueue(sqs);
    const message = "Unknown Attribute Nonsense.";

    const queue = await post("GetQueueAttributes", { QueueUrl: url, AttributeNames: ["Nonsense"] });
    const system = await post("ReceiveMessage", { QueueUrl: url, MessageSystemAttributeNames: ["Nonsense"] });

    expect([queue.body, system.body]).toMatchObject([{ message }, { message }]);
    const owner = { QueueName: url.split("/").at(-1), QueueOwnerAWSAccountId: "111111111111" };
    expect(await errorOf(sqs.send(new GetQueueUrlCommand(owner)))).toBeInstanceOf(QueueDoesNotExist);
    const foreign = new GetQueueAttributesCommand({ QueueUrl: url.replace("000000000000", "111111111111") });
    expect(await errorOf(sqs.send(foreign))).toBeInstanceOf(QueueDoesNotExist);
  });
});
