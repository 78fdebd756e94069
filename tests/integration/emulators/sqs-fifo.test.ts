import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { arnOf, errorOf, openCloud, temporaryDirectory } from "./cloud.ts";
import { bodies, counts, fifo, hide, receive, remove, send, sqs } from "./sqs-fifo-ground.ts";

describe("a receive from a FIFO queue", () => {
  it("takes as many messages of one group as it may, in order, before those of the next", async () => {
    const url = await fifo();
    await send(url, ["a1", "b1", "a2", "a3", "b2", "b3"]);

    const first = await receive(url, { MaxNumberOfMessages: 4 });
    const second = await receive(url);

    expect(bodies(first)).toEqual(["a1", "a2", "a3", "b1"]);
    expect(bodies(second)).toEqual([]);
  });

  it("gets nothing of a group that has a message in flight, and the rest once that was deleted", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2", "a3"]);

    const [a1, a2] = await receive(url, { MaxNumberOfMessages: 2 });
    const locked = await receive(url);
    await remove(url, a1);
    const stillLocked = await receive(url);
    await remove(url, a2);
    const rest = await receive(url);

    expect([bodies(locked), bodies(stillLocked), bodies(rest)]).toEqual([[], [], ["a3"]]);
  });

  it("gets messages of another group while one is locked", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2"]);

    await receive(url, { MaxNumberOfMessages: 1 });
    await send(url, ["b1"]);

    expect(bodies(await receive(url))).toEqual(["b1"]);
  });

  it("carries the group, the deduplication id and a growing sequence number", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2"]);

    const messages = await receive(url);

    const [first, second] = messages.map(({ Attributes }) => Attributes);
    expect(first).toMatchObject({ MessageGroupId: "a", MessageDeduplicationId: "a1" });
    expect(BigInt(second?.SequenceNumber ?? 0)).toBeGreaterThan(BigInt(first?.SequenceNumber ?? 0));
  });

  it("with a visibility timeout of 0 gets each message once", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2"]);

    const messages = await receive(url, { VisibilityTimeout: 0 });

    expect(bodies(messages)).toEqual(["a1", "a2"]);
    expect(bodies(await receive(url))).toEqual(["a1", "a2"]);
  });
});

describe("messages of a group that are visible again", () => {
  it("come in their order, before later ones, when their timeout ends", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2", "a3", "a4"]);

    await receive(url, { MaxNumberOfMessages: 3, VisibilityTimeout: 1 });
    const again = await receive(url, { WaitTimeSeconds: 5 });

    expect(bodies(again)).toEqual(["a1", "a2", "a3", "a4"]);
    expect(counts(again)).toEqual(["2", "2", "2", "1"]);
  });

  it.each([
    ["in the order in which they came", [0, 1, 2]],
    ["backwards", [2, 1, 0]],
  ])("come in their order when they are released %s", async (_order, indexes) => {
    const url = await fifo();
    await send(url, ["a1", "a2", "a3", "a4"]);

    const taken = await receive(url, { MaxNumberOfMessages: 3 });
    for (const index of indexes) await hide(url, taken[index], 0);

    expect(bodies(await receive(url))).toEqual(["a1", "a2", "a3", "a4"]);
  });

  it("come in their order when one request releases them", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2", "a3"]);

    const taken = await receive(url, { MaxNumberOfMessages: 2 });
    const Entries = taken.map(({ ReceiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle,
      VisibilityTimeout: 0,
    }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));

    expect(bodies(await receive(url))).toEqual(["a1", "a2", "a3"]);
  });

  it("wait for a head that is held back, and come after it when its time ends", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2", "a3"]);

    const [head, tail] = await receive(url, { MaxNumberOfMessages: 2 });
    await hide(url, head, 1);
    await hide(url, tail, 0);
    const locked = await receive(url);
    const again = await receive(url, { WaitTimeSeconds: 5 });

    expect(bodies(locked)).toEqual([]);
    expect(bodies(again)).toEqual(["a1", "a2", "a3"]);
  });

  it("wait for a head that is held back, and come at once when it is deleted", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2", "a3"]);

    const [head, tail] = await receive(url, { MaxNumberOfMessages: 2 });
    await hide(url, head, 60);
    await hide(url, tail, 0);
    const waiting = receive(url, { WaitTimeSeconds: 10 });
    await remove(url, head);

    expect(bodies(await waiting)).toEqual(["a2", "a3"]);
  });

  it("cannot be deleted with the old handle, which AWS refuses for FIFO queues only", async () => {
    const url = await fifo();
    await send(url, ["a1"]);

    const [first] = await receive(url);
    await hide(url, first, 0);
    const single = await errorOf(remove(url, first));
    const [second] = await receive(url);
    const Entries = [first, second].map((message, index) => ({
      Id: String(index),
      ReceiptHandle: message?.ReceiptHandle,
    }));
    const batch = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
    const repeated = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));

    expect(single).toMatchObject({
      name: "InvalidParameterValue",
      message: expect.stringMatching(/receipt handle has expired/),
    });
    expect(batch.Successful?.map(({ Id }) => Id)).toEqual(["1"]);
    expect(batch.Failed).toMatchObject([{ Id: "0", Code: "InvalidParameterValue", SenderFault: true }]);
    expect(repeated.Successful?.map(({ Id }) => Id)).toEqual(["0", "1"]);
  });
});

describe("the dead-letter queue of a FIFO queue", () => {
  it("gets the head that was received too often, and the group goes on", async () => {
    const dead = await fifo();
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: 1 });
    const url = await fifo({ RedrivePolicy });
    await send(url, ["a1", "a2", "b1"]);

    const [a1] = await receive(url, { MaxNumberOfMessages: 1 });
    await hide(url, a1, 0);
    const rest = await receive(url);

    expect(bodies(rest)).toEqual(["a2", "b1"]);
    expect(await receive(dead)).toMatchObject([{ Body: "a1", Attributes: { MessageGroupId: "a" } }]);
  });
});

describe("long polls of a FIFO queue", () => {
  it("share groups: who finds its group taken waits on", async () => {
    const url = await fifo();
    await send(url, ["a1", "a2"]);
    const [a1, a2] = await receive(url);

    const polls = [0, 1].map(() => receive(url, { WaitTimeSeconds: 10, MaxNumberOfMessages: 1 }));
    await hide(url, a2, 0);
    await hide(url, a1, 0);
    const winner = await Promise.race(polls);
    await remove(url, winner[0]);
    const both = (await Promise.all(polls)).flat();

    expect(bodies(winner)).toEqual(["a1"]);
    expect(bodies(both).toSorted()).toEqual(["a1", "a2"]);
  });
});

describe("GetQueueAttributes of a FIFO queue", () => {
  it("counts what is visible, also in a locked group, what is in flight and what is delayed", async () => {
    const url = await fifo();
    const depth = async () => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
      );
      const names = ["", "NotVisible", "Delayed"].map((name) => `ApproximateNumberOfMessages${name}`);
      return Object.entries(Attributes).flatMap(([name, value]) => (names.includes(name) ? [Number(value)] : []));
    };
    await send(url, ["a1", "a2", "a3", "b1"]);

    const [head] = await receive(url, { MaxNumberOfMessages: 2 });
    const inFlight = await depth();
    await hide(url, head, 0);
    const released = await depth();
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: "900" } }));
    await send(url, ["c1"]);

    expect([inFlight, released, await depth()]).toEqual([
      [2, 2, 0],
      [3, 1, 0],
      [3, 1, 1],
    ]);
  });
});

describe("a FIFO queue on disk", () => {
  it("outlives the process: order, locks, what was released, and what was sent before", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const attributes = { DeduplicationScope: "messageGroup" };
    const url = await fifo(attributes, before.sqs);
    await send(url, ["a1", "b1", "a2", "b2", "a3"], before.sqs);
    const [a1, a2, , b1] = await receive(url, {}, before.sqs);
    await hide(url, b1, 0, before.sqs);
    await hide(url, a1, 0, before.sqs);
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const locked = await receive(url, {}, after.sqs);
    await hide(url, a2, 0, after.sqs);
    const stillLocked = await receive(url, {}, after.sqs);
    await send(url, ["a1", "a4"], after.sqs);
    const { Attributes } = await after.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    await after.gateway.close();

    expect([bodies(locked), bodies(stillLocked)]).toEqual([[], []]);
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: "4" });
  });

  it("gives a group back in its order", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const url = await fifo({}, before.sqs);
    await send(url, ["a1", "b1", "a2", "b2", "a3"], before.sqs);
    const taken = await receive(url, {}, before.sqs);
    for (const message of taken.toReversed()) await hide(url, message, 0, before.sqs);
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    await send(url, ["b3", "a1"], after.sqs);
    const again = await receive(url, {}, after.sqs);
    await after.gateway.close();

    const ofGroup = (group: string) => bodies(again).filter((body) => body?.startsWith(group));
    expect([ofGroup("a"), ofGroup("b")]).toEqual([
      ["a1", "a2", "a3"],
      ["b1", "b2", "b3"],
    ]);
  });
});
