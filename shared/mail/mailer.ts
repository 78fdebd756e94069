import { mkdir, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Transporter } from "nodemailer";
import { createSes } from "../aws/ses.ts";

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

export interface Mailer {
  /**
   * Sends one mail.
   * @param key names the sending: a repeated one overwrites its file in an outbox. SES itself has no such key, so there a
   * mail whose worker died after sending is sent again.
   */
  send(mail: Mail, key: string): Promise<{ messageId: string }>;
}

/**
 * Sends by what `MAIL_URL` says: Amazon SES, an SMTP server, or a folder of `.eml` files.
 * @param options `instead`: a mailer that takes each mail in the place of this one
 */
export function createMailer(options: {
  url: () => URL;
  from: () => string;
  instead?: () => Mailer | undefined;
}): Mailer {
  let transporter: Promise<Transporter> | undefined;

  return {
    async send(mail, key) {
      const other = options.instead?.();
      if (other !== undefined) return other.send(mail, key);
      const url = options.url();
      transporter ??= createTransporter(url);
      // Field by field: nodemailer's other options can read files and URLs, and a mail may come from a client.
      const { to, subject, text } = mail;
      const from = options.from();
      const sent = await (await transporter).sendMail({
        from,
        to,
        subject,
        text,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      if (url.protocol === "outbox:") await writeMail(resolve(decodeURIComponent(url.pathname)), key, sent.message);
      return { messageId: String(sent.messageId) };
    },
  };
}

async function createTransporter(url: URL): Promise<Transporter> {
  const { createTransport } = await import("nodemailer");
  switch (url.protocol) {
    case "ses:":
      return createTransport({ SES: await createSes() });
    case "outbox:":
      return createTransport({ streamTransport: true, buffer: true });
    default:
      return createTransport(url.href);
  }
}

/** Written beside and renamed, so that nobody sees half a mail. */
async function writeMail(folder: string, key: string, message: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = key.replaceAll(/[^A-Za-z0-9-]/g, "_");
  const draft = join(folder, `.${name}.${process.pid}`);
  await writeFile(draft, message);
  await rename(draft, join(folder, `${name}.eml`));
}
