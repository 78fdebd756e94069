import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { clientTypes } from "../build/client-types.ts";
import { type Answer, type Command, createServiceClient, UsageError } from "./command.ts";

/** Writes declarations of a service's tasks for clients in other repositories (docs/client.md). */
export const types: Command = {
  usage: "types <address of a service> <file.d.ts> [--check]",
  help: "writes its tasks as types; --check compares, and ends with 1 where they differ",
  async run(words): Promise<Answer> {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { check: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [address, file] = positionals;
    if (address === undefined || file === undefined || positionals.length > 2) throw new UsageError(types.usage);
    const text = clientTypes(await createServiceClient(address).call("GET", "/openapi.json"));
    if (!values.check) {
      await writeFile(file, text);
      return { text: `${file} has the tasks of ${address}.`, exitCode: 0 };
    }
    const found = await readFile(file, "utf8").catch(() => "");
    return found === text
      ? { text: `${file} has the tasks of ${address}, as they are.`, exitCode: 0 }
      : { text: `${file} is not that of ${address} any more. Write it anew: lovage ${types.usage}`, exitCode: 1 };
  },
};
