import { MAX_DELAY_SECONDS } from "../broker/broker.ts";
import type { Message } from "../message/message.ts";
import type { App } from "./current-app.ts";

/**
 * Sends a message for its `eta`: at once, by SQS's own delay up to 15 minutes, by a timer beyond. Either is durable when
 * this resolves, and either may be repeated.
 */
export async function dispatch(app: App, message: Message): Promise<void> {
  const eta = message.eta === undefined ? undefined : new Date(message.eta);
  const seconds = secondsUntil(eta, app.clock());
  if (eta !== undefined && seconds > MAX_DELAY_SECONDS) await app.timers.put(message, eta);
  else await app.broker.send(message, seconds);
}

/** Whole seconds until `eta`, rounded up so that nothing starts early; 0 if it has passed. */
export function secondsUntil(eta: Date | undefined, now: Date): number {
  return eta === undefined ? 0 : Math.max(0, Math.ceil((eta.getTime() - now.getTime()) / 1000));
}
