/** Files on their way: sent by the client that other programs use, and remembered, so that one goes on after a reload. */

import { signal } from "@preact/signals";
import { RefusedError } from "../client/errors.ts";
import { createTransport, sleep } from "../client/transport.ts";
import { createUploads, FORM_BYTES } from "../client/uploads.ts";
import { key, keyWanted } from "./api.ts";

export interface Sending {
  name: string;
  bytes: number;
  sent: number;
  state: "sending" | "sent" | "cut off" | "refused";
  /** Known once the service has answered. */
  id?: string;
  reason?: string;
  /** Absent after a reload: whoever gives the file again lets it go on. */
  file?: File;
}

/** A file that has begun to go in parts, as the browser keeps it. */
interface Kept {
  id: string;
  name: string;
  bytes: number;
  modifiedAt: number;
}

const KEPT_KEY = "lovage-uploads";
const MAX_KEPT = 50;

/** Newest first. They outlive their page, but not the tab. */
export const uploads = signal<readonly Sending[]>(
  readKept().map(({ id, name, bytes }) => ({ id, name, bytes, sent: 0, state: "cut off" })),
);

/** Sends files; one that was cut off before goes on. */
export function take(files: Iterable<File>): void {
  for (const file of files) {
    const kept = readKept().find((one) => isOf(one, file));
    start(
      file,
      uploads.value.find(({ id }) => kept !== undefined && id === kept.id),
      kept?.id,
    );
  }
}

/** Goes on with a file that was cut off while its page stayed. */
export function goOn(cut: Sending): void {
  const { file } = cut;
  if (file) start(file, cut, readKept().find((one) => isOf(one, file))?.id);
}

/** @param place where it stands already */
function start(file: File, place: Sending | undefined, resume: string | undefined): void {
  if (place?.state === "sending") return;
  const next: Sending = { name: file.name, bytes: file.size, sent: place?.sent ?? 0, state: "sending", file };
  uploads.value = place ? uploads.value.map((one) => (one === place ? next : one)) : [next, ...uploads.value];
  void send(next, file, resume);
}

/** Removes what came of it, and forgets it. */
export async function giveUp(given: Sending): Promise<void> {
  const { id } = given;
  if (id !== undefined) {
    await client()
      .giveUp(id)
      .catch((error: unknown) => {
        // It is gone already, or has come after all.
        if (!(error instanceof RefusedError) || error.status === 401 || error.status === 403) throw error;
      });
    forget(id);
  }
  uploads.value = uploads.value.filter((one) => one !== given);
}

// A line that is back is the usual end of a cut.
addEventListener("online", () => {
  for (const one of uploads.value) if (one.state === "cut off") goOn(one);
});

function client(): ReturnType<typeof createUploads> {
  const settings = { url: `${location.origin}${location.pathname}`, key: key.value || undefined };
  return createUploads(createTransport(settings, { sleep, random: Math.random }));
}

async function send(place: Sending, file: File, resume: string | undefined): Promise<void> {
  let current = place;
  const change = (part: Partial<Sending>): void => {
    const next = { ...current, ...part };
    uploads.value = uploads.value.map((one) => (one === current ? next : one));
    current = next;
  };
  try {
    const { id } = await client().send(file, {
      ...(resume !== undefined && { resume }),
      onBegin(begun) {
        change({ id: begun });
        if (file.size > FORM_BYTES)
          keep({ id: begun, name: file.name, bytes: file.size, modifiedAt: file.lastModified });
      },
      onProgress: (sent) => change({ sent }),
    });
    change({ id, state: "sent", sent: file.size });
    forget(id);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof RefusedError && error.status === 401) keyWanted.value = reason;
    const isOver = error instanceof RefusedError && error.status !== 401 && error.status !== 429;
    if (isOver && current.id !== undefined) forget(current.id);
    change({ state: isOver ? "refused" : "cut off", reason });
  }
}

function isOf({ name, bytes, modifiedAt }: Kept, file: File): boolean {
  return name === file.name && bytes === file.size && modifiedAt === file.lastModified;
}

function keep(begun: Kept): void {
  write([begun, ...readKept().filter(({ id }) => id !== begun.id)].slice(0, MAX_KEPT));
}

function forget(id: string): void {
  write(readKept().filter((one) => one.id !== id));
}

function write(kept: readonly Kept[]): void {
  if (kept.length === 0) localStorage.removeItem(KEPT_KEY);
  else localStorage.setItem(KEPT_KEY, JSON.stringify(kept));
}

function readKept(): Kept[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT_KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isKept) : [];
  } catch {
    // Somebody else's text: nothing is remembered.
    return [];
  }
}

function isKept(one: unknown): one is Kept {
  return (
    typeof one === "object" &&
    one !== null &&
    "id" in one &&
    typeof one.id === "string" &&
    "name" in one &&
    typeof one.name === "string" &&
    "bytes" in one &&
    typeof one.bytes === "number" &&
    "modifiedAt" in one &&
    typeof one.modifiedAt === "number"
  );
}
