/** The text under which dynalite stores an item, made in one pass for keys of texts, which most are. */
import { hash } from "node:crypto";
import { isObject, objectsOf } from "../json.ts";

type Db = typeof import("dynalite/db/index.js").default;

/** Part of every digest, so that a partition's place says nothing of its name. */
const SALT = "Outliers";
const PREFIX_LENGTH = 6;

/** Makes dynalite use it. A second call changes nothing. */
export function writeKeysAtOnce(db: Db): void {
  const { createKey } = db;
  if (createKey.name === "createKeyAtOnce") return;
  db.createKey = function createKeyAtOnce(item, table, keySchema) {
    const schema = keySchema ?? table.KeySchema;
    let text = "";
    for (const { AttributeName: name } of objectsOf(schema)) {
      const value = item[String(name)];
      if (!isObject(value) || typeof value.S !== "string") return createKey(item, table, schema);
      if (text === "") text = `${hash("md5", SALT + value.S, "hex").slice(0, PREFIX_LENGTH)}/`;
      text += `${Buffer.from(value.S, "utf8").toString("hex")}/`;
    }
    return text;
  };
}
