import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMailer } from "../../../shared/mail/mailer.ts";

const ses = mockClient(SESv2Client);
const mail = { to: "ada@example.com", subject: "Grüße", text: "Hello,\nworld." };
const from = () => "lovage@example.com";

let folder: string;
beforeEach(async () => {
  ses.reset();
  folder = await mkdtemp(join(tmpdir(), "lovage-mail-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the mailer", () => {
  it("sends through SES as a whole message, from the address that the role may use", async () => {
    ses.on(SendEmailCommand).resolves({ MessageId: "0100-abc" });
    process.env.AWS_REGION ??= "us-east-1";
    const mailer = createMailer({ url: () => new URL("ses:"), from });

    expect((await mailer.send(mail, "key")).messageId).toContain("0100-abc");
    const [call] = ses.commandCalls(SendEmailCommand);
    const raw = Buffer.from(call?.args[0].input.Content?.Raw?.Data ?? []).toString();
    expect(call?.args[0].input).toMatchObject({
      FromEmailAddress: "lovage@example.com",
      Destination: { ToAddresses: ["ada@example.com"] },
    });
    expect(raw).toContain("Subject: =?UTF-8?");
    expect(raw).toMatch(/To: ada@example\.com/);
  });

  it("tells the task when SES refuses", async () => {
    ses.on(SendEmailCommand).rejects(new Error("Email address is not verified"));
    process.env.AWS_REGION ??= "us-east-1";

    await expect(createMailer({ url: () => new URL("ses:"), from }).send(mail, "key")).rejects.toThrow("not verified");
  });

  it("writes one file per key into an outbox, whatever the key is", async () => {
    const mailer = createMailer({ url: () => new URL(`outbox:${folder}`), from });
    await mailer.send(mail, "01a2-b");
    await mailer.send({ ...mail, subject: "Again" }, "01a2-b");
    await mailer.send(mail, "../../evil");

    expect((await readdir(folder)).sort()).toEqual(["01a2-b.eml", "______evil.eml"]);
    expect(await readFile(join(folder, "01a2-b.eml"), "utf8")).toContain("Subject: Again");
  });

  it("lets no field become a header, a file or a page", async () => {
    const mailer = createMailer({ url: () => new URL(`outbox:${folder}`), from });
    const hostile = {
      ...mail,
      subject: "Hi\r\nBcc: everyone@example.com",
      attachments: [{ path: "/etc/hostname" }],
      html: { href: "http://127.0.0.1:1/" },
    };
    await mailer.send(hostile, "hostile");
    const text = await readFile(join(folder, "hostile.eml"), "utf8");

    expect(text).not.toMatch(/^Bcc:/m);
    expect(text).not.toContain("attachment");
    expect(text).not.toContain("text/html");
  });
});
