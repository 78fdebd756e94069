#!/usr/bin/env node
/** The command `lovage`: what one asks of a service from outside, over HTTP, with the key in `LOVAGE_KEY` (docs/upgrading.md, docs/client.md). */

import type { Command } from "./command.ts";
import { doctor } from "./doctor.ts";
import { types } from "./types.ts";

const COMMANDS: Readonly<Record<string, Command>> = { doctor, types };

const HELP = [
  ...Object.values(COMMANDS).flatMap(({ usage, help }) => [`lovage ${usage}`, `    ${help}`]),
  "The API key of the service is read from the variable LOVAGE_KEY.",
].join("\n");

const [, , name = "", ...words] = process.argv;
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command === undefined || words.includes("--help")) {
  const isAsked = ["help", "--help"].includes(name) || command !== undefined;
  (isAsked ? console.log : console.error)(HELP);
  process.exitCode = isAsked ? 0 : 2;
} else {
  try {
    const { text, exitCode } = await command.run(words);
    console.log(text);
    process.exitCode = exitCode;
  } catch (error) {
    // It could not look, which is another end than to have found something.
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  }
}
