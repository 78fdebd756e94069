/**
 * The local cloud as a process of its own: `node localstack/serve.ts [--port 4566] [--data DIR]`.
 * Says one line when it is ready; SIGINT or SIGTERM lets it answer what is in flight and end.
 */
import { parseArgs } from "node:util";
import { type Gateway, type GatewayOptions, startGateway } from "./gateway.ts";
import { namedOrigins } from "./loopback.ts";

const USAGE = "Usage: node localstack/serve.ts [--port 4566] [--data DIR]";
const MAX_PORT = 65_535;

try {
  const options = parseOptions(process.argv.slice(2));
  const gateway = await startGateway({ ...options, log: (line) => console.error(line) });
  stopOnSignals(gateway);
  const kept = options.dataDir === undefined ? "nothing is kept" : `kept in ${options.dataDir}`;
  console.log(`Local cloud ready: SQS, DynamoDB and S3 on ${gateway.endpoint} (${kept}).`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** @throws Error one sentence about what is wrong with the arguments */
function parseOptions(args: string[]): GatewayOptions {
  let values: { port?: string; data?: string };
  try {
    ({ values } = parseArgs({ args, options: { port: { type: "string" }, data: { type: "string" } } }));
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error} ${USAGE}`, { cause: error });
  }
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= MAX_PORT)) {
    throw new Error(`Option --port '${values.port}' cannot be used: expected 0–${MAX_PORT}. ${USAGE}`);
  }
  return { port, dataDir: values.data, origins: namedOrigins(process.env.CORS_ORIGIN) };
}

function stopOnSignals(gateway: Gateway): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      gateway.close().catch((error) => {
        console.error(`The local cloud did not stop cleanly: ${error}`);
        process.exitCode = 1;
      });
    });
  }
}
