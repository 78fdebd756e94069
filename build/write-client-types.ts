/**
 * `npm run types -- <address of a service> <file.d.ts>` writes declarations of its tasks; with `--check` it writes nothing, and ends with 1
 * if the file is not what it would write. An API key is read from `LOVAGE_KEY`.
 */

import { readFile, writeFile } from "node:fs/promises";
import { clientTypes } from "./client-types.ts";

const USAGE = "npm run types -- <address of a service> <file.d.ts> [--check]";

async function main(): Promise<string> {
  const words = process.argv.slice(2).filter((word) => word !== "--check");
  const [address, file] = words;
  if (address === undefined || file === undefined || words.length > 2) throw new Error(`Expected: ${USAGE}`);
  const key = process.env.LOVAGE_KEY;
  const answer = await fetch(new URL("openapi.json", address.endsWith("/") ? address : `${address}/`), {
    headers: key ? { authorization: `Bearer ${key}` } : {},
  });
  if (!answer.ok) {
    throw new Error(`${answer.url} answered ${answer.status}: is it the address of a service, and LOVAGE_KEY its key?`);
  }
  const text = clientTypes(await answer.json());
  if (!process.argv.includes("--check")) {
    await writeFile(file, text);
    return `${file} has the tasks of ${address}.`;
  }
  const found = await readFile(file, "utf8").catch(() => "");
  if (found !== text) throw new Error(`${file} is not that of ${address} any more. Write it anew: ${USAGE}`);
  return `${file} has the tasks of ${address}, as they are.`;
}

try {
  console.log(await main());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
