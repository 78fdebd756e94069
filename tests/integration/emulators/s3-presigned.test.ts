import {
  CreateBucketCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { createPresignedPost, type PresignedPostOptions } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, errorOf, openCloud, uniqueName } from "./cloud.ts";

let cloud: Cloud;
let s3: S3Client;
/** Added to the clock of the cloud, which decides what has expired. */
let skewMilliseconds = 0;

beforeAll(async () => {
  cloud = await openCloud({ now: () => Date.now() + skewMilliseconds });
  s3 = cloud.s3;
});

afterAll(() => cloud.gateway.close());

async function createBucket(): Promise<string> {
  const Bucket = uniqueName();
  await s3.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

async function read(Bucket: string, Key: string): Promise<string | undefined> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Body?.transformToString();
}

/** Runs `work` while the cloud's clock is ahead. */
async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  skewMilliseconds = ms;
  try {
    return await work();
  } finally {
    skewMilliseconds = 0;
  }
}

describe("presigned URLs", () => {
  const sign = (Bucket: string, Key: string, more = {}) =>
    getSignedUrl(s3, new PutObjectCommand({ Bucket, Key, ...more }), { expiresIn: 60 });

  it("let those who have no keys put and get", async () => {
    const Bucket = await createBucket();
    const key = "in/a b+ü.txt";

    const stored = await fetch(await sign(Bucket, key, { ContentType: "text/plain", Metadata: { by: "me" } }), {
      method: "PUT",
      body: "hello",
      headers: { "content-type": "text/plain" },
    });
    const get = new GetObjectCommand({ Bucket, Key: key, ResponseContentDisposition: 'attachment; filename="a.txt"' });
    const got = await fetch(await getSignedUrl(s3, get, { expiresIn: 60 }));

    expect(stored.status).toBe(200);
    expect(await got.text()).toBe("hello");
    expect(got.headers.get("content-disposition")).toBe('attachment; filename="a.txt"');
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: key }))).toMatchObject({ Metadata: { by: "me" } });
  });

  it("are refused when anything in them was changed", async () => {
    const Bucket = await createBucket();
    const url = await sign(Bucket, "mine");
    const tampered = [
      url.replace("/mine?", "/yours?"),
      url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"),
      url.replace(/X-Amz-Signature=./, (start) => `${start.slice(0, -1)}${start.endsWith("0") ? "1" : "0"}`),
      url.replace(/&X-Amz-Signature=[^&]*/, ""),
      url.replace("X-Amz-Credential=test", "X-Amz-Credential=another"),
    ];

    const answers = await Promise.all(tampered.map((changed) => fetch(changed, { method: "PUT", body: "x" })));
    const wrongMethod = await fetch(url, { method: "DELETE" });

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect(wrongMethod.status).toBe(403);
    expect(await answers[0]?.text()).toContain("<Code>SignatureDoesNotMatch</Code>");
    expect(await errorOf(read(Bucket, "mine"))).toMatchObject({ name: "NoSuchKey" });
  });

  it("are refused when they have expired", async () => {
    const url = await sign(await createBucket(), "x");

    const late = await later(61_000, () => fetch(url, { method: "PUT", body: "x" }));

    expect(late.status).toBe(403);
    expect(await late.text()).toContain("Request has expired");
  });

  it("cover the headers that S3 would act on", async () => {
    const url = await sign(await createBucket(), "x");

    const sneaked = await fetch(url, { method: "PUT", body: "x", headers: { "x-amz-meta-admin": "true" } });

    expect(sneaked.status).toBe(403);
    expect(await sneaked.text()).toContain("x-amz-meta-admin");
  });
});

describe("requests without a valid signature", () => {
  it("are refused: none, and one by an unknown secret", async () => {
    const Bucket = await createBucket();
    await s3.send(new PutObjectCommand({ Bucket, Key: "x", Body: "secret" }));
    const { endpoint } = cloud.gateway;
    const credentials = { accessKeyId: "test", secretAccessKey: "wrong" };
    const stranger = new S3Client({ endpoint, region: "us-east-1", credentials });

    const anonymous = await fetch(`${endpoint}/${Bucket}/x`);
    const wrong = await errorOf(stranger.send(new GetObjectCommand({ Bucket, Key: "x" })));

    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain("<Code>AccessDenied</Code>");
    expect(wrong).toMatchObject({ name: "SignatureDoesNotMatch" });
  });
});

describe("presigned forms", () => {
  interface Form {
    readonly url: string;
    readonly fields: Record<string, string>;
  }

  const present = (Bucket: string, Key: string, more: Partial<PresignedPostOptions> = {}): Promise<Form> =>
    createPresignedPost(s3, { Bucket, Key, Expires: 60, ...more });

  function submit({ url, fields }: Form, file: Blob | string, filename = "upload.bin"): Promise<Response> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      form.append(name, value);
    }
    form.append("file", typeof file === "string" ? new Blob([file]) : file, filename);
    return fetch(url, { method: "POST", body: form, redirect: "manual" });
  }

  it("store their file", async () => {
    const Bucket = await createBucket();
    const form = await present(Bucket, "in/photo.png", {
      Conditions: [["content-length-range", 1, 1000]],
      Fields: { "Content-Type": "image/png", "x-amz-meta-owner": "ada", success_action_status: "201" },
    });

    const answer = await submit(form, "pixels");
    const text = await answer.text();
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "in/photo.png" }));

    expect(answer.status).toBe(201);
    expect(text).toContain("<Key>in/photo.png</Key>");
    expect(head).toMatchObject({ ContentType: "image/png", Metadata: { owner: "ada" }, ContentLength: 6 });
    expect(await read(Bucket, "in/photo.png")).toBe("pixels");
  });

  it("take files that are larger than memory should hold, byte for byte", async () => {
    const Bucket = await createBucket();
    const bytes = Buffer.alloc(3 * 1024 * 1024, "\r\n--boundary\r\n");

    const answer = await submit(await present(Bucket, "big"), new Blob([bytes]));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "big" }));

    expect(answer.status).toBe(204);
    expect(bytes.equals((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  it("name the object after the file where they say so", async () => {
    const Bucket = await createBucket();
    const form = await present(Bucket, "in/${filename}", { Conditions: [["starts-with", "$key", "in/"]] });

    const answer = await submit(form, "x", "my photo.png");
    const climbing = await submit(form, "x", "..");

    expect(answer.status).toBe(204);
    expect(await read(Bucket, "in/my photo.png")).toBe("x");
    expect(climbing.status).toBe(400);
  });

  it("redirect when they are told to", async () => {
    const Bucket = await createBucket();
    const target = "http://localhost:3000/done";

    const answer = await submit(await present(Bucket, "x", { Fields: { success_action_redirect: target } }), "x");

    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toMatch(`${target}?bucket=${Bucket}&key=x&etag=`);
  });

  it("refuse a file that is too large or too small", async () => {
    const Bucket = await createBucket();
    const form = await present(Bucket, "x", { Conditions: [["content-length-range", 2, 10]] });

    const large = await submit(form, new Blob([Buffer.alloc(2 * 1024 * 1024)]));
    const small = await submit(form, "x");
    const fits = await submit(form, "x".repeat(10));

    expect([large.status, await large.text()]).toEqual([400, expect.stringContaining("EntityTooLarge")]);
    expect([small.status, await small.text()]).toEqual([400, expect.stringContaining("EntityTooSmall")]);
    expect(fits.status).toBe(204);
  });

  it("refuse what their policy does not allow", async () => {
    const Bucket = await createBucket();
    const form = await present(Bucket, "in/x", {
      Conditions: [["starts-with", "$Content-Type", "image/"], { bucket: Bucket }],
    });
    const typed = { ...form, fields: { ...form.fields, "Content-Type": "image/png" } };
    const change = (fields: Record<string, string>) =>
      submit({ ...typed, fields: { ...typed.fields, ...fields } }, "x");
    const other = await createBucket();

    const answers = [
      await change({ key: "elsewhere" }),
      await change({ "Content-Type": "text/html" }),
      await change({ "x-amz-meta-extra": "1" }),
      await change({ "X-Amz-Signature": "0".repeat(64) }),
      await change({ Policy: Buffer.from('{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').toString("base64") }),
      await submit({ ...typed, url: typed.url.replace(Bucket, other) }, "x"),
      await submit({ url: typed.url, fields: { key: "in/x" } }, "x"),
      await later(61_000, () => submit(typed, "x")),
    ];

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
    expect(await answers[0]?.text()).toContain("Policy Condition failed");
    expect(await answers[2]?.text()).toContain("Extra input fields: x-amz-meta-extra");
    expect(await answers.at(-1)?.text()).toContain("Policy expired");
    expect((await submit(typed, "x")).status).toBe(204);
  });

  it("refuse what is no form with a file", async () => {
    const Bucket = await createBucket();
    const url = `${cloud.gateway.endpoint}/${Bucket}`;
    const fileless = new FormData();
    fileless.append("key", "x");

    const json = await fetch(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
    const empty = await fetch(url, { method: "POST", body: fileless });
    const torn = await fetch(url, {
      method: "POST",
      body: '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nx',
      headers: { "content-type": "multipart/form-data; boundary=b" },
    });

    expect([json.status, empty.status, torn.status]).toEqual([412, 400, 400]);
  });
});

describe("cross-origin requests", () => {
  const page = "http://127.0.0.1:3000";

  async function createSharedBucket(): Promise<string> {
    const Bucket = await createBucket();
    const CORSRules = [
      {
        AllowedOrigins: [page, "http://localhost:*"],
        AllowedMethods: ["PUT", "POST", "GET"],
        AllowedHeaders: ["content-type", "x-amz-*"],
        ExposeHeaders: ["ETag"],
        MaxAgeSeconds: 600,
      },
    ];
    await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    return Bucket;
  }

  const ask = (bucket: string, origin: string, method: string, headers = "content-type") =>
    fetch(`${cloud.gateway.endpoint}/${bucket}/x`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": method, "access-control-request-headers": headers },
    });

  it("are configured like on AWS", async () => {
    const Bucket = await createSharedBucket();

    const { CORSRules } = await s3.send(new GetBucketCorsCommand({ Bucket }));
    const unset = await errorOf(s3.send(new GetBucketCorsCommand({ Bucket: await createBucket() })));

    expect(CORSRules).toMatchObject([{ AllowedMethods: ["PUT", "POST", "GET"], MaxAgeSeconds: 600 }]);
    expect(unset).toMatchObject({ name: "NoSuchCORSConfiguration" });
  });

  it("are announced by a preflight that follows the rules", async () => {
    const Bucket = await createSharedBucket();

    const allowed = await ask(Bucket, page, "PUT", "content-type, x-amz-meta-a");
    const wildcard = await ask(Bucket, "http://localhost:5173", "POST");
    const refused = await Promise.all([
      ask(Bucket, "http://127.0.0.1:9999", "PUT"),
      ask(Bucket, page, "DELETE"),
      ask(Bucket, page, "PUT", "authorization"),
      ask(await createBucket(), page, "PUT"),
    ]);

    expect(allowed.status).toBe(200);
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      "access-control-allow-origin": page,
      "access-control-allow-methods": "PUT, POST, GET",
      "access-control-allow-headers": "content-type, x-amz-meta-a",
      "access-control-max-age": "600",
    });
    expect(wildcard.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  });

  it("let a page upload and read the answer, errors too", async () => {
    const Bucket = await createSharedBucket();
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "x" }), { expiresIn: 60 });

    const stored = await fetch(url, { method: "PUT", body: "x", headers: { origin: page } });
    const failed = await fetch(`${url}0`, { method: "PUT", body: "x", headers: { origin: page } });
    const unshared = await fetch(url, { method: "PUT", body: "x", headers: { origin: "http://127.0.0.1:9999" } });

    expect(stored.headers.get("access-control-allow-origin")).toBe(page);
    expect(stored.headers.get("access-control-expose-headers")).toBe("ETag");
    expect([failed.status, failed.headers.get("access-control-allow-origin")]).toEqual([403, page]);
    expect([unshared.status, unshared.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  });
});
