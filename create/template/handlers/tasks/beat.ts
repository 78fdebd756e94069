import { beatSchedule, crontab, task } from "lovage";
import * as z from "zod";

export const report = task({
  name: "report",
  payload: z.object({ title: z.string() }),
  run: ({ title }) => `${title} is ready.`,
});

/** Every day at eight. */
export const schedule = beatSchedule({
  "daily-report": {
    task: report,
    payload: { title: "The daily report" },
    schedule: crontab({ hour: 8, minute: 0 }),
    timezone: "Europe/Berlin",
  },
});
