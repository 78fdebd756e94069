/** AWS's checks when an SQS event source mapping is created, in its words. Pure. */

/** The settings of a mapping that have rules. */
export interface MappingSettings {
  readonly queueArn: string;
  readonly batchSize: number;
  readonly maximumBatchingWindowSeconds: number;
  readonly maximumConcurrency?: number | undefined;
  readonly visibilityTimeoutSeconds: number;
  readonly functionTimeoutSeconds: number;
}

/** AWS refuses to create the mapping. */
class InvalidMappingError extends Error {
  override readonly name = "InvalidParameterValueException";
}

/** FIFO queues are known by their name: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-types.html */
export function isFifoQueue(queueArn: string): boolean {
  return queueArn.endsWith(".fifo");
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new InvalidMappingError(
    `Value '${value}' at '${name}' failed to satisfy constraint: expected ${least}–${most}.`,
  );
}

/**
 * Rules: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (time-outs),
 * https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html (maximum concurrency).
 *
 * @throws InvalidParameterValueException (an Error of that name)
 */
export function checkMapping(settings: MappingSettings): void {
  const { batchSize, maximumBatchingWindowSeconds: window, maximumConcurrency } = settings;
  const { visibilityTimeoutSeconds: visibility, functionTimeoutSeconds: timeout } = settings;
  checkRange("batchSize", batchSize, 1, 10_000);
  checkRange("maximumBatchingWindowInSeconds", window, 0, 300);
  if (maximumConcurrency !== undefined) checkRange("scalingConfig.maximumConcurrency", maximumConcurrency, 2, 1000);
  if (isFifoQueue(settings.queueArn)) {
    if (window > 0) throw new InvalidMappingError("Batching window is not supported for FIFO queues.");
    if (batchSize > 10) throw new InvalidMappingError("Batch size greater than 10 is not supported for FIFO queues.");
  }
  if (batchSize > 10 && window < 1) {
    throw new InvalidMappingError(
      "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    );
  }
  if (visibility < timeout) {
    throw new InvalidMappingError(
      `Queue visibility timeout: ${visibility} seconds is less than Function timeout: ${timeout} seconds`,
    );
  }
}
