import { request as open } from "node:http";

export type Headers = Record<string, string>;
export interface Answered {
  status: number | undefined;
  headers: Record<string, unknown>;
  text: string;
}

/** A request with exactly these headers. fetch() would set the host, the origin and Sec-Fetch-Site itself. */
export function ask(url: string, method = "GET", headers: Headers = {}, body?: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = open(url, { method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    sent.on("upgrade", (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode, headers: answer.headers, text: "" });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
