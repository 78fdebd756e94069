import type { Message } from "esbuild";

/**
 * One sentence of what esbuild says over many lines: the file, the line, what is wrong there, and what helps.
 * @param error whatever `build` threw; what is no failure of a build is told as it is
 */
export function describeBuildFailure(error: unknown): string {
  const messages = typeof error === "object" && error !== null && "errors" in error ? error.errors : undefined;
  const [first, ...others] = Array.isArray(messages) ? messages.filter(isMessage) : [];
  if (first === undefined) return error instanceof Error ? error.message : String(error);
  const { location, text } = first;
  const place = location ? `${location.file}:${location.line}` : "The bundle";
  const missing = /^Could not resolve "([^"]+)"/.exec(text)?.[1];
  const more = others.length > 0 ? ` (${others.length} more like it)` : "";
  if (missing === undefined) return `${place} cannot be built: ${text.replaceAll(/\s*\n\s*/g, " ")}${more}.`;
  const isFile = /^[./]/.test(missing);
  const name = missing
    .split("/")
    .slice(0, missing.startsWith("@") ? 2 : 1)
    .join("/");
  const cure = isFile ? "Is it written with its ending, '.ts'?" : `Install it with npm install ${name}.`;
  return `${place} imports '${missing}', which was not found${more}: expected a ${isFile ? "file that exists" : "package in node_modules"}. ${cure}`;
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "text" in value;
}
