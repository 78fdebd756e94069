/**
 * Creates what the template declares, through the AWS SDK: on the embedded emulators, LocalStack or moto alike. Only what
 * changes behaviour is applied; roles, alarms and encryption mean nothing on a laptop.
 */

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientSettings } from "../../shared/aws/settings.ts";
import { ACCOUNT_ID } from "../account.ts";
import { isObject } from "../json.ts";
import { createBucket } from "./bucket.ts";
import { resolveIntrinsics, type Scope } from "./intrinsics.ts";
import { createQueue, setQueuePolicy } from "./queue.ts";
import { createTable } from "./table.ts";
import { type Created, type Template, textField } from "./template.ts";

/** Where the cloud is and who asks. The endpoint is passed on to every client, for a queue URL's host must not decide. */
export interface CloudAccess {
  endpoint: string;
  /** Of single services, where they differ (`AWS_ENDPOINT_URL_DYNAMODB`). */
  dynamodbEndpoint?: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export interface Clients {
  sqs: SQSClient;
  dynamodb: DynamoDBClient;
  s3: S3Client;
}

export function createClients({ endpoint, dynamodbEndpoint, region, credentials }: CloudAccess): Clients {
  const common = { ...clientSettings, region, credentials, endpoint };
  return {
    // Nothing is lost on the way within one machine, so nobody needs to compute the sum of each body.
    sqs: new SQSClient({ ...common, md5: false, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient({ ...common, endpoint: dynamodbEndpoint ?? endpoint }),
    s3: new S3Client({ ...common, forcePathStyle: true }),
  };
}

export interface Resources {
  /** Resolves every function in `value` against the created resources. */
  resolve(value: unknown): Promise<unknown>;
}

/**
 * Creates queues, tables and buckets in the order in which they refer to each other; what exists already is brought up to
 * date. Resources of other types answer with a made-up name, so that templates which refer to them can be read.
 */
export async function createResources(template: Template, clients: Clients, access: CloudAccess): Promise<Resources> {
  const created = new Map<string, Promise<Created>>();
  let account = ACCOUNT_ID;

  const ensure = (id: string): Promise<Created> => {
    const known = created.get(id) ?? create(id);
    created.set(id, known);
    return known;
  };
  const scope: Scope = {
    async ref(name) {
      if (name === "AWS::Region") return access.region;
      if (name === "AWS::AccountId") return account;
      if (name === "AWS::Partition") return "aws";
      if (name === "AWS::StackName") return "local";
      return (await ensure(name)).ref;
    },
    async attribute(id, name) {
      const { attributes, ref } = await ensure(id);
      return attributes[name] ?? `${ref}.${name}`;
    },
  };
  const resolve = (value: unknown): Promise<unknown> => resolveIntrinsics(value, scope);

  async function create(id: string): Promise<Created> {
    const resource = template.Resources[id];
    if (resource === undefined)
      throw new Error(`The template refers to '${id}', which serverless.yml does not declare.`);
    const properties = async (): Promise<Record<string, unknown>> => {
      const resolved = await resolve(resource.Properties ?? {});
      return isObject(resolved) ? resolved : {};
    };
    switch (resource.Type) {
      case "AWS::SQS::Queue":
        return createQueue(clients.sqs, await properties());
      case "AWS::DynamoDB::Table":
        return createTable(clients.dynamodb, await properties(), { region: access.region, account });
      case "AWS::S3::Bucket":
        return createBucket(clients.s3, await properties());
      case "AWS::Lambda::Function": {
        // Only its name: its environment may refer to anything, and is resolved when the function starts.
        const name = textField(resource.Properties ?? {}, "FunctionName") ?? id;
        return { ref: name, attributes: { Arn: `arn:aws:lambda:${access.region}:${account}:function:${name}` } };
      }
      default:
        return { ref: id, attributes: { Arn: `arn:aws:iam::${account}:local/${id}` } };
    }
  }

  const idsOf = (type: string): string[] =>
    Object.entries(template.Resources).flatMap(([id, resource]) => (resource.Type === type ? [id] : []));

  // Queues first: their ARNs tell the account id, which other names contain and which differs from emulator to emulator.
  for (const id of idsOf("AWS::SQS::Queue")) {
    const { attributes } = await ensure(id);
    account = attributes.Arn?.split(":")[4] ?? account;
  }
  await Promise.all(idsOf("AWS::DynamoDB::Table").map(ensure));
  for (const id of idsOf("AWS::SQS::QueuePolicy")) {
    const policy = await resolve(template.Resources[id]?.Properties ?? {});
    if (isObject(policy)) await setQueuePolicy(clients.sqs, policy);
  }
  // The bucket that the framework keeps deployed code in has no use here.
  await Promise.all(
    idsOf("AWS::S3::Bucket")
      .filter((id) => id !== "ServerlessDeploymentBucket")
      .map(ensure),
  );
  return { resolve };
}
