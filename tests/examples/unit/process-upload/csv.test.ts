import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_RECORD_BYTES, readTable } from "../../../../handlers/examples/unknown-text/table.ts";
import { uploadCsv } from "./upload.ts";

async function recordsOf(text: string, delimiter: string, chunkChars: number): Promise<string[][]> {
  async function* chunks() {
    for (let at = 0; at < text.length; at += chunkChars) yield text.slice(at, at + chunkChars);
  }
  const shape = { delimiter, width: 1, preamble: 0, convincing: true };
  return readTable(chunks(), { shape, header: false }, async ({ rows }) => {
    const records: string[][] = [];
    for await (const record of rows) records.push(record);
    return records;
  });
}

describe("CSV records", () => {
  it.each([
    [
      "a,b\n1,2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      "a,b\r\n1,2\r\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ['"a\nb","c\r\nd"\n', [["a\nb", "c\r\nd"]]],
    ['"a ""b"" c",""""\n', [['a "b" c', '"']]],
    ['""\n\n"",\n', [[""], ["", ""]]],
    [
      "a,\n,b\n,",
      [
        ["a", ""],
        ["", "b"],
        ["", ""],
      ],
    ],
    ['"a""b"\nx""y\n', [['a"b'], ['x""y']]],
    ['5" pipe,x"y"\n', [['5" pipe', 'x"y"']]],
    ['"a"b,"c""d"e"f\n', [['"a"b', '"c"d"e"f']]],
    ['"a" ,"b"\r\n', [['"a" ', "b"]]],
    [
      "a,b\n1,2\r\n3,4\r5,6",
      [
        ["a", "b"],
        ["1", "2"],
        ["3", "4"],
        ["5", "6"],
      ],
    ],
  ])("reads %j whole and character by character", async (text, expected) => {
    expect(await recordsOf(text, ",", text.length)).toEqual(expected);
    expect(await recordsOf(text, ",", 1)).toEqual(expected);
  });

  it("are those that were written, for any table and any chunks", async () => {
    const cell = fc.string({
      unit: fc.constantFrom("a", "é", "1", " ", ",", ";", "|", "\t", '"', "\n", "\r\n"),
      maxLength: 6,
    });
    const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(",", ";", "\t", "|"),
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.integer({ min: 1, max: 40 }),
        async (rows, delimiter, newline, chunkChars) => {
          const text = write(rows, delimiter, newline, () => false);

          expect(await recordsOf(text, delimiter, chunkChars)).toEqual(rows);
        },
      ),
      { seed: 12, numRuns: 300 },
    );
  });

  it("are those of a naive parser where no cell is quoted", async () => {
    const cell = fc.string({ unit: fc.constantFrom("a", "é", "1", " ", '"'), maxLength: 4 }).map((text) => `x${text}`);
    const table = fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }).map((cells) => cells.join(",")));

    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 40 }), async (lines, chunkChars) => {
        const naive = lines.map((line) => line.split(","));

        expect(await recordsOf(lines.join("\n"), ",", chunkChars)).toEqual(naive);
      }),
      { seed: 14, numRuns: 200 },
    );
  });

  it("are read in linear time when each is nearly as long as allowed", async () => {
    const record = `"${"a,\n".repeat(300_000)}"\n`;

    const records = await recordsOf(record.repeat(8), ",", 512);

    expect(records.map(([cell]) => cell?.length)).toEqual(Array.from({ length: 8 }, () => 900_000));
  });

  it.each([
    ["an open quote", `a,b\n1,"${"x".repeat(2 * MAX_RECORD_BYTES)}`],
    ["a closing quote too far away", `a,b\n1,"${"x".repeat(2 * MAX_RECORD_BYTES)}"\n`],
    ["a cell of fewer letters, of two bytes each", `a,b\n1,"${"ü".repeat(0.9 * MAX_RECORD_BYTES)}"\n`],
    ["one endless line", `a,b\n${"1,".repeat(2 * MAX_RECORD_BYTES)}`],
    ["one endless line of delimiters", `a,b\n${",".repeat(3 * MAX_RECORD_BYTES)}`],
  ])("are bounded: %s is refused", async (_, text) => {
    await expect(recordsOf(text, ",", 65_536)).rejects.toMatchObject({
      recordNumber: 2,
      message: expect.stringContaining("longer than the 1 MiB"),
    });
  });

  it("are as many as the file has, however many empty lines stand between", async () => {
    expect(await recordsOf(`a,b\n${"\n".repeat(3 * MAX_RECORD_BYTES)}1,2`, ",", 65_536)).toHaveLength(2);
  });
});

describe("CSV statistics", () => {
  it("tell each column's type, counts and moments", async () => {
    const csv = [
      "id,price,paid,day,note,zip,blank",
      "1,1.5,true,2024-02-29,hello,01234,",
      '2,-2.5e1,No,2023-12-31T23:00:00-02:00,"a, b",00501,',
      "3,,TRUE,,hello,10115, ",
      "",
      "4,10",
    ].join("\r\n");

    const { columns, ...table } = await uploadCsv(`\uFEFF${csv}`);

    expect(table).toMatchObject({
      header: true,
      rows: 4,
      columnCount: 7,
      raggedRows: 1,
      columnsLeftOut: 0,
      columnsFile: null,
    });
    expect(columns).toEqual([
      {
        name: "id",
        type: "integer",
        count: 4,
        empty: 0,
        distinct: 4,
        distinctExact: true,
        longest: 1,
        min: 1,
        max: 4,
        mean: 2.5,
        standardDeviation: expect.closeTo(1.290_994_448_7, 9),
      },
      {
        name: "price",
        type: "number",
        count: 3,
        empty: 1,
        distinct: 3,
        distinctExact: true,
        longest: 6,
        min: -25,
        max: 10,
        mean: expect.closeTo(-4.5, 9),
        standardDeviation: expect.closeTo(18.255_136_263_5, 9),
      },
      { name: "paid", type: "boolean", count: 3, empty: 1, distinct: 3, distinctExact: true, longest: 4 },
      {
        name: "day",
        type: "date",
        count: 2,
        empty: 2,
        distinct: 2,
        distinctExact: true,
        longest: 25,
        min: "2023-12-31T23:00:00-02:00",
        max: "2024-02-29",
      },
      { name: "note", type: "text", count: 3, empty: 1, distinct: 2, distinctExact: true, longest: 5 },
      // Leading zeros make an identifier, which has no mean; 10115 alone would be a number.
      { name: "zip", type: "text", count: 3, empty: 1, distinct: 3, distinctExact: true, longest: 5 },
      { name: "blank", type: "empty", count: 0, empty: 4, distinct: 0, distinctExact: true, longest: 0 },
    ]);
  });

  it.each([
    ["words above numbers", "name,age\nAnn,4\n", true],
    ["words above words", "name,town\nAnn,Rome\n", true],
    ["years above numbers, beside an identifier", "id,2023,2024\n1,5,6\n", true],
    ["numbers above numbers", "1,2\n3,4\n", false],
    ["a row like the next one", "Ann,4\nBob,5\n", false],
  ])("find out whether the first record is a header: %s", async (_, csv, header) => {
    const summary = await uploadCsv(csv);

    expect(summary).toMatchObject({ header, rows: header ? 1 : 2 });
    expect(summary.columns[0]?.name).toBe(header ? csv.slice(0, csv.indexOf(",")) : "column_1");
  });

  it.each([
    ["2024-02-29", "date"],
    ["2023-02-29", "text"],
    ["2024-13-01", "text"],
    ["2024-01-01 23:59:59.123456+0530", "date"],
    ["2024-01-01T24:00", "text"],
    ["0099-01-01", "text"],
    ["12345678901234567890", "integer"],
    ["123456789012345", "integer"],
    ["-0", "integer"],
    ["0.1", "number"],
    ["-.5e-3", "number"],
    ["5.", "number"],
    [".", "text"],
    ["-.", "text"],
    ["-", "text"],
    ["1e999", "text"],
    ["1.2.3", "text"],
    ["00.5", "text"],
    ["0x10", "text"],
    ["NaN", "text"],
    ["tRUE", "boolean"],
    ["nope", "text"],
  ])("take the cell '%s' for %s", async (cell, type) => {
    const { columns } = await uploadCsv(`value\n${cell}\n`);

    expect(columns).toMatchObject([{ type, count: 1 }]);
    const isNumber = type === "integer" || type === "number";
    const exact = Number.isSafeInteger(Number(cell)) || type === "number" ? Number(cell) + 0 : cell;
    expect(columns[0]?.min).toBe(isNumber ? exact : type === "date" ? cell : undefined);
  });

  it("order dates by their instant, not by their letters", async () => {
    const days = ["2024-01-02T00:30+02:00", "2024-01-01T23:00Z", "2024-01-01T22:00:00.5-0145"];

    const { columns } = await uploadCsv(`day\n${days.join("\n")}\n`);

    expect(columns).toMatchObject([{ min: days[0], max: days[2] }]);
  });

  it("survive JSON when the sums overflow", async () => {
    const { columns } = await uploadCsv("v\n1e308\n-1e308\n1e308\n");

    expect(columns[0]).toMatchObject({ type: "number", min: -1e308, max: 1e308 });
    expect(JSON.parse(JSON.stringify(columns))).toEqual(columns);
    expect(JSON.stringify(columns)).not.toContain("null");
  });

  it("stop counting different values at 1,000 and say so", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},${i % 1000},${i % 1001},${"x".repeat(100)}${i % 7}`);

    const { columns } = await uploadCsv(`all,most,more,long\n${rows.join("\n")}`);

    expect(columns).toMatchObject([
      { distinct: 1000, distinctExact: false },
      { distinct: 1000, distinctExact: true },
      { distinct: 1000, distinctExact: false },
      { distinct: 7, distinctExact: true },
    ]);
  });

  it("of a wide table stay small, and are saved whole as a derived file", async () => {
    const cells = Array.from({ length: 300 }, (_, i) => i);
    const csv = `${cells.map((i) => `${"a long column name ".repeat(5)}${i}`).join(",")}\n${cells.join(",")}\n`;

    const { saved, ...summary } = await uploadCsv(csv);

    expect(summary).toMatchObject({ columnCount: 300, columnsLeftOut: 284, columnsFile: "columns.json" });
    expect(summary.columns).toHaveLength(16);
    expect(JSON.stringify(summary).length).toBeLessThan(5000);
    expect(saved.get("columns.json")?.contentType).toBe("application/json");
    expect(JSON.parse(String(saved.get("columns.json")?.body))).toHaveLength(300);
  });

  it("count the cells of a record with a million of them, and keep a thousand", async () => {
    const { columnCount, columnsLeftOut, raggedRows, saved } = await uploadCsv(`${"a,".repeat(500_000)}a\n1,2\n`);

    expect({ columnCount, columnsLeftOut, raggedRows }).toEqual({
      columnCount: 500_001,
      columnsLeftOut: 499_985,
      raggedRows: 1,
    });
    expect(JSON.parse(String(saved.get("columns.json")?.body))).toHaveLength(1000);
  });

  it("read the old Mac's lines, and windows-1252", async () => {
    const { columns, rows, encoding } = await uploadCsv(Buffer.from("city;größe\rKöln;1\rRom;2\r", "latin1"));

    expect({ rows, encoding }).toEqual({ rows: 2, encoding: "windows-1252" });
    expect(columns).toMatchObject([{ name: "city" }, { name: "größe", type: "integer", max: 2 }]);
  });

  it("equal a naive computation on any table", async () => {
    const words = fc.string({ maxLength: 8 }).map((text) => text.replaceAll("\0", ""));
    const integer = fc.integer({ min: -1000, max: 1000 }).map(String);
    const decimal = fc.double({ noNaN: true, min: -10, max: 10 }).map((value) => value.toFixed(3));
    const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map(String);
    const boolean = fc.constantFrom("true", "False", "yes", "NO");
    const date = fc.constantFrom("2024-01-01", "1999-12-31", "1999-12-31T12:00Z", "2000-02-29T00:00Z");
    const odd = fc.constantFrom("", " ", "007", "-0", "+5", " 5 ", "5.", ".5", "1e3", "--1", "2024-13-01", "tru");
    const any = fc.oneof(words, integer, decimal, double, boolean, date, odd);
    const cells = [integer, decimal, double, boolean, date, fc.oneof(integer, decimal, odd), any];
    const column = (rows: number) =>
      fc.oneof(
        ...cells.map((cell) =>
          fc.array(fc.oneof({ weight: 5, arbitrary: cell }, fc.constant("")), { minLength: rows, maxLength: rows }),
        ),
      );
    const table = fc
      .integer({ min: 1, max: 12 })
      .chain((rows) => fc.array(column(rows), { minLength: 2, maxLength: 4 }))
      .map((columns) => (columns[0] ?? []).map((_, row) => columns.map((cells) => cells[row] ?? "")));

    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(",", ";", "\t", "|"),
        fc.integer({ min: 3, max: 90 }),
        async (rows, delimiter, chunkBytes) => {
          const names = rows[0]?.map((_, i) => `name ${"xyzw"[i]}`) ?? [];
          const csv = write([names, ...rows], delimiter, "\n", (text) => text.length % 2 === 0);

          const summary = await uploadCsv(csv, { chunkBytes: Math.max(chunkBytes, 3) });

          expect(summary).toMatchObject({ delimiter, rows: rows.length, raggedRows: 0 });
          summary.columns.forEach((actual, i) => {
            expect(actual).toEqual(
              naive(
                names[i] ?? "",
                rows.map((row) => row[i] ?? ""),
              ),
            );
          });
        },
      ),
      { seed: 13, numRuns: 200 },
    );
  });
});

function write(rows: string[][], delimiter: string, newline: string, quoteAnyway: (cell: string) => boolean): string {
  const cells = rows.map((row) =>
    row.map((cell) =>
      /[",;|\t\r\n]/.test(cell) || cell === "" || quoteAnyway(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
    ),
  );
  return cells.map((row) => row.join(delimiter) + newline).join("");
}

/** The same statistics the plain way: everything in memory, regular expressions, two passes. */
function naive(name: string, cells: string[]) {
  const values = cells.map((cell) => cell.replace(/^[\0- ]+|[\0- ]+$/g, "")).filter((value) => value !== "");
  const all = (pattern: RegExp) => values.length > 0 && values.every((value) => pattern.test(value));
  const integer = /^[+-]?(0|[1-9]\d{0,14})$/;
  const number = /^[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
  const common = {
    name,
    count: values.length,
    empty: cells.length - values.length,
    distinct: new Set(values).size,
    distinctExact: true,
    longest: Math.max(0, ...values.map((value) => value.length)),
  };
  if (values.length === 0) return { ...common, type: "empty" };
  if (all(number)) {
    const numbers = values.map((value) => Number(value) + 0);
    const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (numbers.length - 1);
    return {
      ...common,
      type: all(integer) ? "integer" : "number",
      min: Math.min(...numbers),
      max: Math.max(...numbers),
      mean: expect.closeTo(mean, 4),
      ...(numbers.length > 1 ? { standardDeviation: expect.closeTo(Math.sqrt(variance), 4) } : {}),
    };
  }
  if (all(/^(true|false|yes|no)$/i)) return { ...common, type: "boolean" };
  if (all(/^\d{4}-(0\d|1[0-2])-\d\d(T\d\d:\d\dZ)?$/)) {
    const sorted = values.toSorted((a, b) => Date.parse(a) - Date.parse(b));
    return { ...common, type: "date", min: sorted[0], max: sorted.at(-1) };
  }
  return { ...common, type: "text" };
}
