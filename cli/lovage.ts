#!/usr/bin/env node
/**
 * The command `lovage`: questions to a service from outside, over HTTP, with the key in `LOVAGE_KEY` (docs/upgrading.md, docs/client.md), and
 * its deployment.
 */

import type { Command } from "./command.ts";
import { deploy } from "./deploy.ts";
import { doctor } from "./doctor.ts";
import { types } from "./types.ts";

const COMMANDS: Readonly<Record<string, Command>> = { doctor, types, deploy };

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
    if (text !== "") console.log(text);
    process.exitCode = exitCode;
  } catch (error) {
    // It could not look, which is another end than to have found something.
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  }
}
