import { beatSchedule, crontab, mailer, task } from "lovage";
import * as z from "zod";

export const sendEmail = task({
  name: "send_email",
  payload: z.object({ to: z.email(), subject: z.string().min(1).max(200), message: z.string().max(100_000) }),
  retry: { maxRetries: 5, backoff: { base: 2, max: 600 } },
  timeLimit: 30,
  // Once, however often the task is attempted; the task's id names the mail's file in an outbox.
  run: ({ to, subject, message }, context) =>
    context.once("mail", () => mailer.send({ to, subject, text: message }, context.id)),
});

export const sendDailyEmail = task({
  name: "send_daily_email",
  payload: z.object({ to: z.array(z.email()).min(1) }),
  retry: { maxRetries: 3 },
  run: async ({ to }, context) => {
    const sent = await Promise.all(
      to.map((recipient) =>
        sendEmail.applyAsync(
          { to: recipient, subject: "Your daily e-mail", message: "Good morning! This is sent every day at 08:00." },
          // One mail per recipient and run, however often this task is attempted.
          { idempotencyKey: `${context.id}:${recipient}` },
        ),
      ),
    );
    return { sent: sent.map(({ id }) => id) };
  },
});

export const schedule = beatSchedule({
  "send-daily-email": {
    task: sendDailyEmail,
    payload: { to: ["team@example.com"] },
    schedule: crontab({ hour: 8, minute: 0 }),
    timezone: "Europe/Berlin",
  },
});
