import { expect, it } from "vitest";
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
