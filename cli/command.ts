import { type Client, createClient } from "../shared/client/index.ts";

/** The end of a command: its text, for standard output, and its exit code. */
export interface Answer {
  text: string;
  exitCode: number;
}

/** A command of `lovage`. */
export interface Command {
  usage: string;
  help: string;
  run(words: readonly string[]): Promise<Answer>;
}

/** A command was called in a way that it does not know. */
export class UsageError extends Error {
  constructor(usage: string) {
    super(`Expected: lovage ${usage}`);
    this.name = "UsageError";
  }
}

/** The variable that holds the key of a service. */
const KEY = "LOVAGE_KEY";

/** A client of the service at an address; it is asked with the key of `LOVAGE_KEY`. @throws UsageError for what is no address */
export function createServiceClient(address: string): Client<Record<string, { payload: never; result: never }>> {
  const key = process.env[KEY];
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new UsageError(
      `<command> <address of a service>, such as https://api.example.com; '${address.slice(0, 100)}' is none`,
    );
  }
  return createClient({ url: address, ...(key !== undefined && key !== "" && { key }) });
}
