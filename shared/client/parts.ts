/** A file in parts: links of the service's, each of which takes one; whoever is cut off goes on with those that are missing. */

import { ClientError, NoAnswerError } from "./errors.ts";
import { transfer } from "./transfer.ts";
import type { Transport } from "./transport.ts";

/** A file to be sent, and who is told of it. */
export interface Sending {
  file: Blob;
  filename: string;
  /** The body of the call that begins it. */
  body: { filename: string; contentType: string; size: number };
  signal: AbortSignal | undefined;
  onProgress: (sentBytes: number, totalBytes: number) => void;
  onBegin: (id: string) => void;
}

/** How far the service says that the file has come. */
interface Missing {
  id: string;
  sizeBytes: number;
  sentBytes: number;
  parts: { number: number; start: number; end: number; url: string }[];
}

/** Parts that are under way at once. */
const LANES = 3;
/** Rounds in which no part came. */
const TRIES = 4;
const PAUSE = 500;

/**
 * Answers with the upload's id, once the file is whole.
 * @param resume the id of an upload that was cut off
 * @throws RefusedError, NoAnswerError, ClientError, or the signal's reason
 */
export async function sendParts(transport: Transport, sending: Sending, resume: string | undefined): Promise<string> {
  const { call, sleep, random } = transport;
  const { file, filename, body, signal } = sending;
  const at = (id: string, word: string): `/${string}` => `/uploads/${encodeURIComponent(id)}/${word}`;
  const ask = (id: string) => call<Missing>("POST", at(id, "parts"), { signal });

  let missing =
    resume === undefined
      ? await call<Missing>("POST", "/uploads/multipart", { body, signal, repeatable: false })
      : await ask(resume);
  const { id } = missing;
  sending.onBegin(id);
  if (missing.sizeBytes !== file.size) {
    const sentence = `'${filename}' is ${file.size} bytes, and upload ${id} is of a file of ${missing.sizeBytes}.`;
    throw new ClientError("ClientError", "UPLOAD_REFUSED", sentence);
  }
  for (let idle = 0; missing.parts.length > 0; ) {
    const failure = await sendRound(transport, sending, missing);
    const { sentBytes } = missing;
    // Links are new with each answer, so one that has run out is no reason to end.
    missing = await ask(id);
    idle = missing.sentBytes > sentBytes ? 0 : idle + 1;
    if (idle === TRIES) throw refusal(filename, failure);
    if (failure !== undefined) await sleep(PAUSE * 2 ** idle * random(), signal);
  }
  await call("POST", at(id, "complete"), { signal });
  sending.onProgress(file.size, file.size);
  return id;
}

/** Sends each part once, and answers with what came in the way of the last that did not arrive. */
async function sendRound(
  transport: Transport,
  { file, signal, onProgress }: Sending,
  { sentBytes, sizeBytes, parts }: Missing,
): Promise<number | Error | undefined> {
  const sent = new Map<number, number>();
  const tell = (number: number, bytes: number): void => {
    sent.set(number, bytes);
    onProgress(
      [...sent.values()].reduce((sum, one) => sum + one, sentBytes),
      sizeBytes,
    );
  };
  let failure: number | Error | undefined;
  const left = [...parts];
  const lane = async (): Promise<void> => {
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      const { number, start, end, url } = part;
      const outcome = await transfer(transport, {
        method: "PUT",
        url,
        body: file.slice(start, end),
        signal,
        onProgress: (bytes) => tell(number, bytes),
      });
      const isThere = typeof outcome === "number" && outcome < 300;
      if (!isThere) failure = outcome;
      tell(number, isThere ? end - start : 0);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return failure;
}

/** Why a file is given up. */
export function refusal(filename: string, outcome: number | Error | undefined): Error {
  if (typeof outcome !== "number") return new NoAnswerError(`The upload of '${filename}'`, TRIES, outcome);
  const sentence = `The bucket refused '${filename}' with ${outcome}, in ${TRIES} tries with a new link each.`;
  return new ClientError("ClientError", "UPLOAD_REFUSED", sentence);
}
