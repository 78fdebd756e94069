/** The least function that makes the same AWS calls: its SDK clients and commands, imported and constructed as Lovage does. */

/** The commands of each client that Lovage uses (`shared/aws`). */
const CLIENTS: Record<string, { client: string; commands: readonly string[] }> = {
  "client-dynamodb": { client: "DynamoDBClient", commands: ["GetItemCommand", "QueryCommand", "UpdateItemCommand"] },
  "client-s3": { client: "S3Client", commands: ["GetObjectCommand", "HeadObjectCommand", "PutObjectCommand"] },
  "client-sesv2": { client: "SESv2Client", commands: ["SendEmailCommand"] },
  "client-sqs": { client: "SQSClient", commands: ["ChangeMessageVisibilityCommand", "SendMessageBatchCommand"] },
};

/**
 * Its source.
 * @param loaded SDK packages that load with the function, such as `client-dynamodb`
 * @param lazy those that it imports when it needs them
 */
export function bareHandler(loaded: readonly string[], lazy: readonly string[]): string {
  const imports = loaded.map((name) => `import * as ${identifier(name)} from "@aws-sdk/${name}";`);
  const sends = loaded.map((name) => send(name, identifier(name)));
  const later = lazy.map((name) => `{ const sdk = await import("@aws-sdk/${name}"); ${send(name, "sdk")} }`);
  return [
    ...imports,
    "export async function handler(event) {",
    ...sends.map((statement) => `  ${statement}`),
    ...later.map((statement) => `  ${statement}`),
    "}",
  ].join("\n");
}

function send(name: string, namespace: string): string {
  const known = CLIENTS[name];
  if (known === undefined)
    throw new Error(`Function imports @aws-sdk/${name}, whose client the benchmark does not know.`);
  const commands = known.commands.map((command) => `new ${namespace}.${command}(event)`);
  return `{ const client = new ${namespace}.${known.client}({}); for (const command of [${commands.join(", ")}]) await client.send(command); }`;
}

function identifier(name: string): string {
  return name.replace(/^client-/, "").replaceAll("-", "_");
}
