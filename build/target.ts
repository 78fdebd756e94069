import type { Serverless } from "./serverless.ts";

/** Commands of the framework that call AWS, or change what is there. A command that only reads or writes files here is not among them. */
const CALLING = [
  ...["deploy", "deploy function", "deploy list", "deploy list functions", "remove", "prune"],
  ...["rollback", "rollback function", "invoke", "logs", "metrics", "info"],
];

/**
 * Makes sure that a command reaches the AWS it means. A variable left over from local work would silently send a deployment to
 * an emulator, or remove there what was to be removed on AWS; and the open API of stage 'local' must not be reachable by others.
 * @throws Error before the command has done anything
 */
export function checkTarget(serverless: Serverless, environment: Readonly<Record<string, string | undefined>>): void {
  const command = serverless.processedInput.commands.join(" ");
  if (!CALLING.includes(command)) return;
  const stage = serverless.getProvider("aws").getStage();
  const variable = Object.keys(environment)
    .filter((name) => /^AWS_ENDPOINT_URL(_|$)/.test(name))
    .find((name) => environment[name]);
  if (variable !== undefined && stage !== "local") {
    throw new Error(
      `${variable} is '${environment[variable]}' while '${command}' is for stage '${stage}': unset it, or use stage 'local'.`,
    );
  }
  if (variable === undefined && stage === "local") {
    throw new Error(
      `Stage 'local' has an open API and is not on AWS, so '${command}' has nothing to do there: expected --stage dev or production, or AWS_ENDPOINT_URL with the address of an emulator.`,
    );
  }
}
