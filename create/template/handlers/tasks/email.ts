import { mailer, task } from "lovage";
import * as z from "zod";

/** Sends one mail: locally it is a file in .lovage/outbox, on AWS it goes through SES. */
export const sendEmail = task({
  name: "send_email",
  payload: z.object({ to: z.email(), subject: z.string().min(1), message: z.string() }),
  retry: { maxRetries: 5 },
  // Once, however often the task is attempted.
  run: ({ to, subject, message }, context) =>
    context.once("mail", () => mailer.send({ to, subject, text: message }, context.id)),
});
