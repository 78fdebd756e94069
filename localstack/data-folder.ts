/** Errors of the folder that keeps queues, tables and objects over a restart, each as one sentence with its remedy. */

const FULL = /ENOSPC|SQLITE_FULL|No space left on device|database or disk is full|EDQUOT|Disk quota exceeded/;
const READ_ONLY =
  /EACCES|EPERM|EROFS|Permission denied|Read-only file system|readonly database|unable to open database/;
const NO_FOLDER = /ENOTDIR|EEXIST|Not a directory/;
/** Codes of LevelDB and SQLite, and the error of a text that is no JSON. */
const FROM_STORAGE = /LEVEL_|ERR_SQLITE_ERROR|SyntaxError/;

class DataFolderError extends Error {}

/**
 * The sentence for an error at the start, or the error itself if the folder is not at fault.
 * @param path the file or folder that was opened, in `dataDir` or `dataDir` itself
 */
export function openingError(error: unknown, dataDir: string, path: string): unknown {
  if (error instanceof DataFolderError) return error;
  const reason = reasonsOf(error).join(": ");
  const sentence = sentenceFor(reason, path);
  return sentence === undefined
    ? error
    : new DataFolderError(`Data directory '${dataDir}' ${sentence}`, { cause: error });
}

function sentenceFor(reason: string, path: string): string | undefined {
  if (reason.includes("LEVEL_LOCKED")) {
    return "cannot be opened: expected one that no other local cloud uses. Stop the other one, or choose another directory.";
  }
  if (FULL.test(reason)) return "cannot be opened: its disk is full. Make room, and start again.";
  if (READ_ONLY.test(reason)) {
    return `cannot be opened: '${path}' cannot be written. Let this user write it, or choose another directory.`;
  }
  if (NO_FOLDER.test(reason)) {
    return `cannot be opened: expected a directory, and '${path}' or a part of it is a file. Move the file away, or choose another directory.`;
  }
  if (FROM_STORAGE.test(reason)) {
    return `cannot be opened: '${path}' is damaged, or something else has written it (${brief(reason)}). Move it away to begin without what it holds, or choose another directory.`;
  }
  return undefined;
}

/** Tells of what could not be stored, for the answers to come and for the log. */
export function storageFailure(error: unknown, path: string): string {
  return `'${path}' could not be written, and nothing more is stored in it until the local cloud is started again: ${brief(reasonsOf(error).join(": "))}. Make room or mend the disk, and start it again: all that was acknowledged is kept.`;
}

function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const code = "code" in error ? [String(error.code)] : [];
  return [error.name, ...code, error.message, ...(error.cause === undefined ? [] : reasonsOf(error.cause))];
}

function brief(reason: string): string {
  const text = reason.replace(/^(?:Error: )?(?:LEVEL_DATABASE_NOT_OPEN: Database failed to open: Error: )?/, "");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
