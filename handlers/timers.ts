import { createTimerSweep } from "../shared/index.ts";

/** Once a minute: sends the messages of delays past 15 minutes that fall due. */
export const handler = createTimerSweep();
