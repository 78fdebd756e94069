import { createTimerSweep } from "lovage";

/** Once a minute: sends the messages of delays past 15 minutes that fall due. */
export const handler = createTimerSweep();
