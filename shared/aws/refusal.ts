/** DynamoDB has understood the call and will not do it; asked again, or throttled, it might. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $fault, $retryable } = error as { $fault?: unknown; $retryable?: unknown };
  return (
    $fault === "client" && $retryable === undefined && !/Throttl|LimitExceeded|ThroughputExceeded/.test(error.name)
  );
}
