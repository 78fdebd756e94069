/** Keys of the API: their names, roles and digests. */

import { ConfigError } from "./errors.ts";

/** A key may what its role says, and what the roles before it may. */
export const ROLES = ["read", "submit", "operate"] as const;
export type Role = (typeof ROLES)[number];

export interface ApiKey {
  /** Of the person or program that has it; two keys of one name are one being exchanged for another. */
  name: string;
  role: Role;
  /** SHA-256, in hex digits. */
  hash: string;
}

/** The hash that a deployment with an unset variable would make of its key. */
const EMPTY_KEY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

/**
 * Reads `API_KEY_HASHES`. @param where it is set, for whoever mends it
 * @throws ConfigError without the value, for someone may have put the key itself there
 */
export function parseKeys(text: string, where: string): readonly ApiKey[] | "none" {
  if (text === "none") return "none";
  const keys = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => parseKey(part, where));
  const hashes = new Set(keys.map(({ hash }) => hash));
  if (hashes.size < keys.length) throw keyError("each key once", where);
  return keys;
}

function parseKey(text: string, where: string): ApiKey {
  const parts = text.split(":");
  const hash = (parts.at(-1) ?? "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash) || hash === EMPTY_KEY_HASH) {
    throw keyError("SHA-256 digests of non-empty keys, 64 hex digits each, or 'none'", where);
  }
  // As before there were roles: nothing that worked is refused.
  if (parts.length === 1) return { name: `key-${hash.slice(0, 8)}`, role: "operate", hash };
  const [name = "", role] = parts;
  const known = ROLES.find((one) => one === role);
  if (parts.length !== 3 || known === undefined || !KEY_NAME.test(name)) {
    throw keyError(
      `'<name>:<role>:<digest>' with a name of letters, digits, '_', '.', '@', '-', and a role of ${ROLES.join(", ")}`,
      where,
    );
  }
  return { name, role: known, hash };
}

function keyError(expected: string, where: string): ConfigError {
  return new ConfigError(
    "API_KEY_HASHES",
    "(hidden)",
    expected,
    `printf %s "$KEY" | sha256sum makes a digest. ${where}`,
  );
}
