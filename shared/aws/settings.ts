/**
 * Settings that every client has in common. Endpoint, region and credentials are the SDK's own business: it reads
 * `AWS_ENDPOINT_URL`, `AWS_REGION` and the credential chain, so nothing here knows whether it is local.
 */
export const clientSettings = {
  /** Resolves each command's middleware once; measured at about 20 % of a call. Works for `send(command)` alone. */
  cacheMiddleware: true,
  maxAttempts: 4,
} as const;
