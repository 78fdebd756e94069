/** The account that every ARN and queue URL of the local cloud names. */
export const ACCOUNT_ID = "000000000000";
