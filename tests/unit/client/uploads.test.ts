import { describe, expect, it } from "vitest";
import { createTransport } from "../../../shared/client/transport.ts";
import { createUploads } from "../../../shared/client/uploads.ts";

const DOWN = new TypeError("fetch failed");
const file = new File(["a".repeat(300_000)], "a.csv", { type: "text/csv" });

/** Each form has a number. */
const form = (number: number): Response =>
  Response.json({ id: "id-1", upload: { url: "https://bucket.example.com", fields: { key: `form ${number}` } } });

/** Uploads on a bucket that answers so. */
function uploadsOn(bucket: (Response | Error)[], renewed = () => form(2)) {
  const asked: string[] = [];
  const transport = createTransport(
    {
      url: "https://api.example.com",
      fetch: async (url, { method, body }) => {
        if (!(body instanceof FormData)) {
          asked.push(`${method} ${new URL(url).pathname} ${body}`);
          return url.endsWith("/uploads") ? form(1) : renewed();
        }
        // As `fetch` reads what it sends.
        const sent = await new Response(body).text();
        asked.push(`file ${/form \d/.exec(sent)?.[0]} ${sent.length > 300_000}`);
        const answer = bucket.shift() ?? new Response(null, { status: 204 });
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    { random: () => 0, sleep: async () => {} },
  );
  return { uploads: createUploads(transport), asked };
}

const request = '{"filename":"a.csv","contentType":"text/csv","size":300000}';

it("a file is sent with its form, and its progress is told", async () => {
  const { uploads, asked } = uploadsOn([]);
  const seen: number[] = [];
  const { id } = await uploads.send(file, { onProgress: (sentBytes) => seen.push(sentBytes) });

  expect(id).toBe("id-1");
  expect(asked).toEqual([`POST /uploads ${request}`, "file form 1 true"]);
  expect(seen).toEqual([131_072, 262_144, 300_000, 300_000]);
});

it.each([
  ["is refused", new Response("", { status: 403 })],
  ["gets no answer", DOWN],
])("a try that %s is repeated with another form of the same upload", async (_what, answer) => {
  const { uploads, asked } = uploadsOn([answer]);
  await uploads.send(file);

  expect(asked).toEqual([
    `POST /uploads ${request}`,
    "file form 1 true",
    `POST /uploads/id-1 ${request}`,
    "file form 2 true",
  ]);
});

it("a file that has come though its answer was lost is not sent again", async () => {
  const taken = { code: "UPLOAD_TAKEN", detail: "Upload id-1 is SUCCESS." };
  const { uploads, asked } = uploadsOn([DOWN], () => Response.json(taken, { status: 409 }));

  expect((await uploads.send(file)).id).toBe("id-1");
  expect(asked.filter((one) => one.startsWith("file"))).toHaveLength(1);
});

it.each<[string, () => Response | Error, string]>([
  ["refuses", () => new Response("", { status: 403 }), "UPLOAD_REFUSED"],
  ["does not answer", () => DOWN, "NO_ANSWER"],
])("a bucket that %s four times is given up", async (_what, answer, code) => {
  const { uploads, asked } = uploadsOn(Array.from({ length: 4 }, answer));

  await expect(uploads.send(file)).rejects.toMatchObject({ code });
  expect(asked.filter((one) => one.startsWith("file"))).toHaveLength(4);
});

const MEBIBYTE = 1_048_576;
const large = new File([new Uint8Array(17 * MEBIBYTE)], "big.bin");

/** A service that takes parts of 8 MiB. @param bucket how it answers to each part, in the order in which they come; 200 beyond that */
function partsOn(
  bucket: (Response | Error)[] = [],
  { there = [] as number[], taken = false, sizeBytes = large.size } = {},
) {
  const [asked, sent]: [string[], number[]] = [[], [...there]];
  const all = [1, 2, 3].map((number) => ({
    number,
    start: (number - 1) * 8 * MEBIBYTE,
    end: Math.min(large.size, number * 8 * MEBIBYTE),
    url: `https://bucket.example.com/?partNumber=${number}`,
  }));
  const bytesOf = (parts: typeof all): number => parts.reduce((sum, { start, end }) => sum + end - start, 0);
  const isThere = ({ number }: { number: number }): boolean => sent.includes(number);
  const transport = createTransport(
    {
      url: "https://api.example.com",
      fetch: async (url, { method, body }) => {
        const { pathname, searchParams } = new URL(url);
        const number = Number(searchParams.get("partNumber"));
        asked.push(
          number > 0 ? `part ${number} of ${body instanceof Blob && body.size / MEBIBYTE}` : `${method} ${pathname}`,
        );
        if (number > 0) {
          const answer = bucket.shift() ?? new Response(null, { status: 200 });
          if (answer instanceof Error) throw answer;
          if (answer.ok) sent.push(number);
          return answer;
        }
        if (taken) return Response.json({ code: "UPLOAD_TAKEN", detail: "Upload id-1 is SUCCESS." }, { status: 409 });
        if (pathname.endsWith("/complete")) return Response.json({ id: "id-1", state: "PENDING" });
        const parts = all.filter((part) => !isThere(part));
        return Response.json({ id: "id-1", sizeBytes, sentBytes: bytesOf(all.filter(isThere)), parts });
      },
    },
    { random: () => 0, sleep: async () => {} },
  );
  return { uploads: createUploads(transport), asked };
}

describe("a file above 16 MiB", () => {
  it("goes in parts, whose progress is told", async () => {
    const { uploads, asked } = partsOn();
    const [seen, begun]: [number[], string[]] = [[], []];
    const options = {
      onProgress: (bytes: number) => seen.push(bytes / MEBIBYTE),
      onBegin: (id: string) => begun.push(id),
    };
    expect((await uploads.send(large, options)).id).toBe("id-1");

    expect(asked.toSorted()).toEqual(
      [
        "POST /uploads/multipart",
        ...["part 1 of 8", "part 2 of 8", "part 3 of 1"],
        ...["POST /uploads/id-1/parts", "POST /uploads/id-1/complete"],
      ].toSorted(),
    );
    expect([seen, begun]).toEqual([[8, 16, 17, 17], ["id-1"]]);
  });

  it("goes on with what is missing, and not with another file", async () => {
    const { uploads, asked } = partsOn([], { there: [1, 3] });
    await uploads.send(large, { resume: "id-1" });
    expect(asked.filter((one) => one.startsWith("part"))).toEqual(["part 2 of 8"]);

    const other = partsOn([], { sizeBytes: large.size - 1 });
    await expect(other.uploads.send(large, { resume: "id-1" })).rejects.toMatchObject({ code: "UPLOAD_REFUSED" });
    expect(other.asked).toEqual(["POST /uploads/id-1/parts"]);
  });

  it("sends a part again that was refused, or got no answer, with another link", async () => {
    const { uploads, asked } = partsOn([new Response("", { status: 403 }), DOWN]);
    await uploads.send(large);

    expect(asked.filter((one) => one.startsWith("part"))).toHaveLength(5);
    expect(asked.at(-1)).toBe("POST /uploads/id-1/complete");
  });

  it.each<[string, () => Response | Error, string]>([
    ["refuses", () => new Response("", { status: 403 }), "UPLOAD_REFUSED"],
    ["does not answer", () => DOWN, "NO_ANSWER"],
  ])("is given up when the bucket %s in four rounds", async (_what, answer, code) => {
    const { uploads, asked } = partsOn(Array.from({ length: 12 }, answer));

    await expect(uploads.send(large)).rejects.toMatchObject({ code });
    expect(asked.filter((one) => one.startsWith("part"))).toHaveLength(12);
  });

  it("is there when the service says so, though the answer was lost", async () => {
    expect((await partsOn([], { taken: true }).uploads.send(large, { resume: "id-1" })).id).toBe("id-1");
  });

  it("ends with its signal's reason", async () => {
    const { uploads } = partsOn();
    await expect(uploads.send(large, { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
  });

  it("is given up for good when that is said", async () => {
    const { uploads, asked } = partsOn();
    await uploads.giveUp("id-1");
    expect(asked).toEqual(["DELETE /uploads/id-1"]);
  });
});
