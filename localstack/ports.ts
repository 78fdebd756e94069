import { createServer } from "node:net";
import { echo } from "../shared/echo.ts";

/** A port that will be opened on loopback. */
export interface Port {
  /** As it was set. */
  given: unknown;
  purpose: string;
  /** Sets it. */
  variable: string;
}

const MAX_PORT = 65_535;

/**
 * Makes sure that each port is one, that they differ, and that they are free: checked first, since serverless-offline would report it
 * with a stack, or not at all.
 * @throws Error naming the port and the variable that sets it
 */
export async function checkPorts(ports: readonly Port[]): Promise<void> {
  const owners = new Map<number, Port>();
  for (const port of ports) {
    const number = numberOf(port);
    const other = owners.get(number);
    if (other !== undefined) {
      throw new Error(
        `${port.variable} and ${other.variable} are both ${number}: expected a port of its own for ${port.purpose} and for ${other.purpose}. Change one of them.`,
      );
    }
    owners.set(number, port);
  }
  for (const [number, port] of owners) await checkFree(number, port);
}

function numberOf({ given, variable, purpose }: Port): number {
  const number = /^\d{1,5}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (number >= 1 && number <= MAX_PORT) return number;
  throw new Error(
    `${variable} has the value ${echo(String(given))}: expected a port for ${purpose}, 1 to ${MAX_PORT}.`,
  );
}

function checkFree(port: number, { purpose, variable }: Port): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "is taken by another program" : `cannot be used (${error.message})`;
      reject(new Error(`Port ${port} for ${purpose} ${reason}: stop that program, or set ${variable} to a free port.`));
    });
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
