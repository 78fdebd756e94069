/**
 * Reads texts and tables of which nobody has said the encoding, the delimiter, or whether there is a header: `EncodingEvidence`
 * hears all of a file's bytes and names the encoding, `Decoder` gives its text, `guessTable` says of the text's beginning whether it is
 * a table and of which shape, `readTable` gives its rows, and `Column` describes what stands below each other. `words.ts` has what a
 * person may say in the place of each guess.
 */

export { Column, type ColumnSummary } from "./column.ts";
export { Decoder, decodeBytes } from "./decode.ts";
export { EncodingEvidence } from "./encoding.ts";
export { CONTROL, type DetectedEncoding } from "./letters.ts";
export { BrokenTableError, readTable, type Table } from "./table.ts";
export { guessTable, type TableShape } from "./table-shape.ts";
