/**
 * The parts that nodemailer needs to send through Amazon SES v2, imported on first use.
 * https://nodemailer.com/transports/ses
 */
export async function createSes(): Promise<{
  sesClient: import("@aws-sdk/client-sesv2").SESv2Client;
  SendEmailCommand: typeof import("@aws-sdk/client-sesv2").SendEmailCommand;
}> {
  const { SESv2Client, SendEmailCommand } = await import("@aws-sdk/client-sesv2");
  return { sesClient: new SESv2Client({}), SendEmailCommand };
}
