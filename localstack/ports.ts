import { createServer } from "node:net";

/**
 * Makes sure that nothing listens on `port` of the loopback interface.
 * @throws Error saying what the port is for and how to choose another
 */
export async function checkPort(port: number, purpose: string, variable: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "EADDRINUSE" ? "is taken by another program" : `cannot be used (${error.message})`;
      reject(new Error(`Port ${port} for ${purpose} ${reason}: stop that program, or set ${variable} to a free port.`));
    });
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
