/**
 * Ends sandboxes whose parent was killed.
 *
 * A sandbox ends by itself when its IPC channel closes, but not while its handler blocks the event loop, and SIGKILL gives the
 * parent no last word. So one `sh` per pool holds the list of process groups and reads a pipe; the kernel closes that pipe
 * when the parent ends in any way, and the shell then kills what is left on the list.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";

/** Keeps process groups from outliving this process. */
export interface SandboxReaper {
  guard(groupId: number): void;
  release(groupId: number): void;
  close(): Promise<void>;
}

const SCRIPT = `
groups=" "
while read -r word group; do
  case "$word" in
    guard) groups="$groups$group " ;;
    release)
      kept=" "
      for one in $groups; do [ "$one" = "$group" ] || kept="$kept$one "; done
      groups="$kept" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
`;

/** Starts the shell; it ends with this process or with `close()`. */
export function startSandboxReaper(): SandboxReaper {
  // Its own session, so that a Ctrl-C that ends the parent does not end the reaper before its work.
  const shell = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true, env: {} });
  const ended = once(shell, "exit").catch(() => {});
  shell.stdin.on("error", () => {});
  shell.unref();
  return {
    guard: (groupId) => void shell.stdin.write(`guard ${groupId}\n`),
    release: (groupId) => void shell.stdin.write(`release ${groupId}\n`),
    async close() {
      shell.ref();
      shell.stdin.end();
      await ended;
    },
  };
}
