/** An error of SQS, in its words. */
export interface SqsRefusal {
  readonly code: string;
  readonly message: string;
}

export function invalid(message: string): SqsRefusal {
  return { code: "InvalidParameterValue", message };
}
