import { Hono } from "hono";
import { createView } from "lovage";
import { sendEmail } from "../email.ts";
import { add } from "../math.ts";

/** The tutorial's own view: it sends tasks, and answers at once with their ids. It goes with the other examples. */
const view = new Hono();

view.get("/welcome", async (c) => {
  const [sum, mail] = await Promise.all([
    add.delay({ x: 4, y: 6 }),
    sendEmail.delay({ to: "ada@example.com", subject: "Welcome", message: "Good to have you here." }),
  ]);
  return c.json({ add: sum.id, send_email: mail.id }, 202);
});

/** Behind the API's own key check; its function, `view`, and that one's role are in serverless.yml. */
export const handler = createView(view);
