import fc from "fast-check";
import iconv from "iconv-lite";
import { describe, expect, it } from "vitest";
import { noise, upload, uploadCsv } from "./upload.ts";

const TABLES = {
  japanese: [
    "名前,都市,金額",
    "佐藤太郎,東京,1200",
    "鈴木花子,大阪,3400",
    "高橋一郎,名古屋,560",
    "田中美咲,福岡,980",
    "山田さくら,札幌,45",
  ],
  chinese: ["姓名,城市,金额", "王小明,北京,1200", "李娜,上海,3400", "张伟,广州,560"],
  taiwanese: ["姓名,城市,金額", "王小明,臺北,1200", "陳怡君,高雄,3400", "林志豪,臺中,560", "黃雅婷,臺南,980"],
  korean: ["이름,도시,금액", "김철수,서울,1200", "이영희,부산,3400", "박민수,대구,560"],
  russian: ["имя,город,сумма", "Иванов Иван,Москва,1200", "Петров Пётр,Санкт-Петербург,3400"],
  greek: ["όνομα,πόλη,ποσό", "Γιώργος Παπαδόπουλος,Αθήνα,1200", "Μαρία Νικολάου,Θεσσαλονίκη,3400"],
  turkish: ["isim,şehir,tutar", "Ayşe Yılmaz,İstanbul,1200", "Mehmet Öztürk,Eskişehir,3400", "Çağla Şahin,Muğla,560"],
  czech: ["jméno,město,částka", "Jiří Novák,Plzeň,1200", "Růžena Dvořáková,Hradec Králové,3400"],
  german: ["Name,Stadt,Betrag", "Jürgen Müller,Köln,1200", "Käthe Groß,Düsseldorf,3400"],
  arabic: ["الاسم,المدينة,المبلغ", "محمد علي,القاهرة,1200", "فاطمة حسن,الرياض,3400"],
} as const;

const inEncoding = (table: keyof typeof TABLES, encoding: string) => iconv.encode(TABLES[table].join("\r\n"), encoding);

describe("The encoding of a table", () => {
  it.each<[keyof typeof TABLES, string, string?]>([
    ["japanese", "shift_jis"],
    ["japanese", "euc-jp"],
    ["chinese", "gb18030"],
    ["taiwanese", "big5"],
    ["korean", "euc-kr"],
    ["russian", "koi8-r"],
    ["russian", "windows-1251"],
    ["russian", "iso-8859-5"],
    ["russian", "cp866", "ibm866"],
    ["greek", "windows-1253"],
    ["turkish", "windows-1254"],
    ["czech", "windows-1250"],
    ["czech", "iso-8859-2"],
    ["german", "windows-1252"],
    ["arabic", "windows-1256"],
    ["german", "utf-16le"],
    ["german", "utf-16be"],
    ["japanese", "utf-8"],
  ])("of %s is found: %s", async (table, encoding, name = encoding) => {
    const csv = await uploadCsv(inEncoding(table, encoding));

    expect(csv.encoding).toBe(name);
    expect(csv.columns.map((column) => column.name)).toEqual(TABLES[table][0].split(","));
    expect(csv).toMatchObject({ rows: TABLES[table].length - 1, unreadable: 0 });
  });

  it.each<[keyof typeof TABLES, string]>([
    ["japanese", "shift_jis"],
    ["japanese", "euc-jp"],
    ["chinese", "gb18030"],
    ["taiwanese", "big5"],
    ["korean", "euc-kr"],
  ])("of %s in %s is found in a long file, wherever its letters are cut", async (table, encoding) => {
    const rows = inEncoding(table, encoding);
    for (const shift of [0, 1, 2, 3, 4]) {
      const far = Buffer.alloc(1024 * (shift + 1), "1,2,3\n");
      const long = Buffer.concat([Buffer.from("x".repeat(shift)), ...Array(1500).fill(rows), far, rows]);

      expect(await uploadCsv(long)).toMatchObject({ encoding, unreadable: 0 });
    }
  });

  it.each(["utf-16le", "utf-16be", "utf-32le", "utf-32be"])(
    "is %s without a mark, in letters of any alphabet",
    async (encoding) => {
      for (const table of Object.keys(TABLES) as (keyof typeof TABLES)[]) {
        expect(await uploadCsv(inEncoding(table, encoding))).toMatchObject({ encoding, encodingCertainty: "likely" });
      }
    },
  );

  it("is UTF-16 still when a byte of it is damaged", async () => {
    const damaged = inEncoding("russian", "utf-16le");
    // Half of a surrogate pair.
    damaged[13] = 0xd8;

    expect(await uploadCsv(damaged)).toMatchObject({ encoding: "utf-16le", rows: 2, unreadable: 1 });
  });

  it("is certain, likely or a guess, and says so", async () => {
    const certainties = await Promise.all([
      uploadCsv(inEncoding("german", "utf-8")),
      uploadCsv(inEncoding("japanese", "shift_jis")),
      uploadCsv(inEncoding("german", "windows-1252")),
    ]);

    expect(certainties.map(({ encodingCertainty }) => encodingCertainty)).toEqual(["certain", "likely", "guess"]);
  });

  it("is what a person says, whatever the bytes look like", async () => {
    const csv = await uploadCsv(inEncoding("czech", "windows-1250"), { said: { encoding: "windows-1252" } });

    expect(csv).toMatchObject({
      encoding: "windows-1252",
      encodingCertainty: "certain",
      columns: [{}, { name: "mìsto" }, {}],
    });
  });

  it("does not depend on where the storage has cut the file", async () => {
    const filler = "1,2\n".repeat(20_000);
    const files = [
      Buffer.concat([Buffer.from(`größe,b\n${filler}`), Buffer.from([0xff]), Buffer.from(",x\nä,ö\né,ü\n")]),
      Buffer.concat([Buffer.from(`a,b\n${filler}`), iconv.encode("Köln,Müller\n", "windows-1252")]),
      Buffer.from(`a,b\n${filler}größer,kleiner`).subarray(0, -10),
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...files), fc.integer({ min: 1000, max: 200_000 }), async (file, chunkBytes) => {
        const { saved: _, ...whole } = await uploadCsv(file);
        const { saved: __, ...cut } = await uploadCsv(file, { chunkBytes });
        expect(cut).toEqual(whole);
      }),
      { seed: 5, numRuns: 30 },
    );
  });

  it("survives one bad byte in UTF-8, which is counted", async () => {
    const bad = Buffer.concat([inEncoding("german", "utf-8"), Buffer.from([0x0a, 0xff]), Buffer.from(",b,1\n")]);

    expect(await uploadCsv(bad)).toMatchObject({
      encoding: "utf-8",
      encodingCertainty: "likely",
      unreadable: 1,
      rows: 3,
    });
  });

  it.each([
    ["a zero byte", Buffer.from("a,b\n1,2\n\0,3\n"), "it has zero bytes, as no text has"],
    ["the end of a file of DOS", Buffer.from("a,b\n1,2\n\x1a"), "it has control characters, as no text has"],
    ["bytes of no encoding", Buffer.from(noise(500, 3).map((byte) => byte || 1)), "its bytes are no text"],
    ["a spreadsheet", Buffer.from("PK\x03\x04".padEnd(60, "\0"), "latin1"), "its bytes are application/zip"],
  ])("is none for %s, and the reason is told", async (_, bytes, reason) => {
    await expect(uploadCsv(bytes)).rejects.toMatchObject({
      code: "CSV_NO_TABLE",
      message: expect.stringContaining(reason),
    });
    expect((await upload(bytes)).summary.kind).toBe("file");
  });
});
