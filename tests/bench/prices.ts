/**
 * List prices of us-east-1 in USD for a million units, without free tiers and volume discounts. Compared on 23 November 2026 with
 * what others print of the pages named here (AWS fills in the figures by script). Storage, logs, API Gateway and transfer are not here.
 */

export interface Price {
  usdPerMillion: number;
  /** The unit that a price is for a million of. */
  unit: string;
  source: string;
}

const DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const SQS = "https://aws.amazon.com/sqs/pricing/";
const S3 = "https://aws.amazon.com/s3/pricing/";
const LAMBDA = "https://aws.amazon.com/lambda/pricing/";

export const PRICES = {
  /** Of 1 KB. Halved in November 2024: many pages still print 1.25, and 0.25 for reads. */
  writeUnit: { usdPerMillion: 0.625, unit: "write units", source: DYNAMODB },
  /** Of 4 KB, strongly consistent. */
  readUnit: { usdPerMillion: 0.125, unit: "read units", source: DYNAMODB },
  /** Of 64 KB: a call that carries up to that much, of one message or ten, is one. */
  sqsRequest: { usdPerMillion: 0.4, unit: "SQS requests", source: SQS },
  /** The same on a FIFO queue; and with a message group on another (a fair queue), taken to be for all three requests of a message. */
  sqsGroupRequest: { usdPerMillion: 0.5, unit: "SQS requests", source: SQS },
  s3Put: { usdPerMillion: 5, unit: "S3 PUTs", source: S3 },
  s3Get: { usdPerMillion: 0.4, unit: "S3 GETs", source: S3 },
  lambdaRequest: { usdPerMillion: 0.2, unit: "Lambda requests", source: LAMBDA },
  /** On arm64. */
  lambdaGigabyteSecond: { usdPerMillion: 13.3334, unit: "GB-seconds", source: LAMBDA },
} as const satisfies Record<string, Price>;

export type Priced = keyof typeof PRICES;
