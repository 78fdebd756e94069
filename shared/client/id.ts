/** A UUID of version 7: the time in milliseconds, then chance. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7 */
export function newId(milliseconds = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = milliseconds.toString(16).padStart(12, "0");
  const variant = (8 + ((random[2] ?? 0) & 3)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(5, 8)}-${hex.slice(8)}`;
}
