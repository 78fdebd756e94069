/** The abilities that Lovage and each of its peers share, so that one harness drives them all. */

export interface Payload {
  x: number;
  y: number;
}

/** A task that was sent. */
export interface Sent {
  /** One look at its result. */
  isDone(): Promise<boolean>;
}

/** A worker that runs. */
export interface Lanes {
  stop(): Promise<void>;
}

export interface Side {
  /** Sends up to 10 tasks in one go. */
  send(payloads: readonly Payload[]): Promise<Sent[]>;
  /** Takes tasks from the queue, and runs them, until it is stopped. */
  work(): Lanes;
  /** Sends one task and waits for its result in the side's own way, if it has one. */
  sendAndGet?(payload: Payload): Promise<unknown>;
}
