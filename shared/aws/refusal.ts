/**
 * The answer is none of DynamoDB's, such as the page of a server that has broken on a call: moto does on statements that it cannot read.
 * The call may have been done or not, as one whose answer was lost.
 */
export function isUnreadable(error: unknown): boolean {
  return error instanceof SyntaxError;
}

/** DynamoDB has understood the call and will not do it; asked again, or throttled, it might. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $fault, $retryable } = error as { $fault?: unknown; $retryable?: unknown };
  return (
    $fault === "client" && $retryable === undefined && !/Throttl|LimitExceeded|ThroughputExceeded/.test(error.name)
  );
}
