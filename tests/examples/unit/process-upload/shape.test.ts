import { describe, expect, it } from "vitest";
import { uploadCsv } from "./upload.ts";

describe("A table", () => {
  it.each([
    [
      "a line that names the delimiter",
      "sep=;\r\na;b,c\r\n1;2\r\n3;4\r\n",
      { delimiter: ";", preamble: 1, rows: 2, columnCount: 2 },
    ],
    ["one that names another one", "sep=^\na^b\n1^2\n3^4\n", { delimiter: "^", preamble: 1, rows: 2, columnCount: 2 }],
    ["comments", "# made by x\n# on 2024\na,b,c\n1,2,3\n4,5,6\n", { preamble: 2, rows: 2, columnCount: 3 }],
    ["a title", "Report 2024\n\nname,x,y\na,1,2\nb,3,4\n", { preamble: 1, rows: 2, columnCount: 3 }],
    [
      "a title in a row of its own",
      "Report 2024;;\nname;x;y\na;1;2\nb;3;4\n",
      { preamble: 1, rows: 2, columnCount: 3 },
    ],
  ])("begins after %s", async (_, text, expected) => {
    expect(await uploadCsv(text)).toMatchObject({ header: true, raggedRows: 0, ...expected });
  });

  it("is empty after a line that names the delimiter and no more", async () => {
    expect(await uploadCsv("sep=;\n")).toMatchObject({ delimiter: ";", preamble: 1, rows: 0, columnCount: 0 });
  });

  it("of one column may have decimal commas", async () => {
    expect(await uploadCsv("Preis\r\n1,5\r\n-20,75\r\n3\r\n")).toMatchObject({
      header: true,
      preamble: 0,
      rows: 3,
      columns: [{ name: "Preis", longest: 6 }],
    });
    expect(await uploadCsv("Preis\n\n1,5\n2,7\n")).toMatchObject({ columnCount: 2, preamble: 1 });
  });

  it("keeps a header that begins with a number sign", async () => {
    expect(await uploadCsv("#id,name\n1,Ann\n2,Bob\n")).toMatchObject({ preamble: 0, columns: [{ name: "#id" }, {}] });
  });

  it("is as wide as most of its records, though the first is narrower", async () => {
    const csv = await uploadCsv("name,town\nAnn,Rome,1\nBob,Oslo,2\nEve,Bonn,3\n");

    expect(csv).toMatchObject({ columnCount: 3, raggedRows: 0, rows: 3 });
    expect(csv.columns.map(({ name, type }) => [name, type])).toEqual([
      ["name", "text"],
      ["town", "text"],
      ["column_3", "integer"],
    ]);
  });

  it.each<[string, string, boolean]>([
    ["words", "name,town\nAnn,Rome\n", true],
    ["years", "country,2022,2023\nFrance,3,4\nGermany,5,6\n", true],
    ["dates", "item,2024-01-01,2024-02-01\na,1,2\nb,3,4\n", true],
    ["dates as Germans write them", "Konto;31.01.2024;28.02.2024\nA;1.234,56;2,00\nB;3,00;4,00\n", true],
    ["dates as Americans write them", "account,1/31/24,2/29/24\nA,1,2\nB,3,4\n", true],
    ["months", "region,2024-01,2024-02\nN,1,2\nS,3,4\n", true],
    ["spans of years", "item,2022/23,2023/24\nx,1,2\ny,3,4\n", true],
    ["months alone", "01/2024,02/2024\n1,2\n3,4\n", true],
    ["a number among words", "id,7,total\n1,2,3\n", true],
    ["years of a row", "France,2022\nGermany,2023\nItaly,2024\n", false],
    ["dates and numbers as Germans write them", "31.12.2024;1.234,56\n01.01.2025;2.345,67\n", false],
    ["a name and a date as Americans write it", "Ann,12/31/2024\nBob,1/2/2023\n", false],
    ["a name and a month", "Ann,2024-01\nBob,2024-02\n", false],
    ["a name and a version", "foo,1.2.24\nbar,1.2.3\nbaz,2.0.11\n", false],
    ["prices", "$1,234.50|10%\n$2.00|20%\n", false],
    ["a name and a day in words", "Ann,31 Jan 2024\nBob,1 Feb 2024\n", false],
    ["a name and a week", "Ann,2024-W05\nBob,2024-W06\n", false],
    ["a name and a time of day", "Ann,1/31/24 5:00 PM\nBob,2/1/24 6:30 AM\n", false],
    ["a name and an Arabic number", "علي,١٢٣٤٫٥٦\nعمر,٣٤٫٥\n", false],
    ["a name and a Japanese date", "佐藤,2024年1月31日\n鈴木,２０２４年２月１日\n", false],
    ["a name and a number with a real minus", "Ann,−5\nBob,−12\n", false],
    ["a name and a fraction", "Ann,½\nBob,¼\n", false],
    ["spans over numbers", "0-17,18-64,65+\n5,6,7\n8,9,10\n", true],
    ["times of day over numbers", "day,08:00,09:00\nMon,5,6\nTue,7,8\n", true],
    ["spans of a row", "0-17,5\n18-64,6\n", false],
    ["words with digits over codes", "code1,code2\nA1,B2\nA3,B4\n", true],
    ["ordinal words over numbers", "name,1st,2nd\nAnn,4,5\nBob,6,7\n", true],
    ["numbers", "1,2\n3,4\n", false],
    ["words over words of a single record", "name,town\n", true],
  ])("takes a first record of %s for a header, or not", async (_, text, header) => {
    expect(await uploadCsv(text)).toMatchObject({ header });
  });

  it("has the header and the delimiter that a person says", async () => {
    expect(await uploadCsv("name,town\nAnn,Rome\n", { said: { header: false } })).toMatchObject({
      header: false,
      rows: 2,
    });
    expect(await uploadCsv("a,b;c\n1,2;3\n", { said: { delimiter: "," } })).toMatchObject({
      delimiter: ",",
      columnCount: 2,
    });
  });

  it("has the delimiter that a person says, whatever mark that is", async () => {
    const csv = await uploadCsv("Ann~Rome\nBob~Oslo\n", { said: { delimiter: "~", header: false } });

    expect(csv).toMatchObject({ delimiter: "~", columnCount: 2, rows: 2 });
  });

  it("has extremes that stand in the file, however large", async () => {
    const { columns } = await uploadCsv("id\n9007199254740993\n9007199254740995\n-9007199254740993\n");

    expect(columns).toMatchObject([{ type: "integer", min: "-9007199254740993", max: "9007199254740995" }]);
  });

  it.each([
    [["9007199254740993.0", "1"], 1, "9007199254740993.0"],
    [["9007199254740993.25", "9007199254740993.75"], "9007199254740993.25", "9007199254740993.75"],
    [["9007199254740993e0", "-0.12345678901234567891"], "-0.12345678901234567891", "9007199254740993e0"],
    [["1.50", "1.5", "-2.50e2", "1e300"], -250, 1e300],
    [["0.1", "1e-400"], "1e-400", 0.1],
  ])("has decimals that stand in the file, too: %j", async (cells, min, max) => {
    const { columns } = await uploadCsv(`x,y\n${cells.map((cell) => `${cell},a\n`).join("")}`);

    expect(columns).toMatchObject([{ type: "number", min, max }, {}]);
  });
});
