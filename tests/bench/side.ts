/** The abilities that Lovage and each hand-written loop share, so that one harness drives them all. */

import type { Message } from "@aws-sdk/client-sqs";

export interface Payload {
  x: number;
  y: number;
}

/** A task that was sent. */
export interface Sent {
  /** One look at its result. */
  isDone(): Promise<boolean>;
}

export interface Side {
  /** Sends up to 10 tasks in one go. */
  send(payloads: readonly Payload[]): Promise<Sent[]>;
  /** Runs the tasks of up to 10 received messages; answers with those to delete. */
  handle(messages: readonly Message[]): Promise<readonly Message[]>;
  /** Sends one task and waits for its result in the side's own way, if it has one. */
  sendAndGet?(payload: Payload): Promise<unknown>;
}
