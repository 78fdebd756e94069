import { createDeadLetterWorker } from "lovage";

/** Ends, or returns to their queue, the messages that were delivered too often. */
export const handler = createDeadLetterWorker();
