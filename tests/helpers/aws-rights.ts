import type { CallContext } from "../../build/iam-policy.ts";
import { ACCOUNT_ID } from "../../build/resolve-template.ts";
import { isObject } from "../../localstack/json.ts";
import { listField, objectField, textField } from "../../localstack/template/template.ts";
import type { Call } from "../faults/proxy.ts";

/** The rights that IAM asks a role for, because of one call. */
export interface Right {
  action: string;
  resource: string;
  context: CallContext;
}

const REGION = "us-east-1";
const arn = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT_ID}:${rest}`;

/**
 * The rights that an AWS call needs, by the Service Authorization Reference. A call that is unknown here is an error, so that a new
 * one cannot go unseen. https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export function rightsOf({ operation, path, body }: Pick<Call, "operation" | "path" | "body">): Right[] {
  const input = (): Record<string, unknown> => {
    const parsed: unknown = JSON.parse(body.toString());
    return isObject(parsed) ? parsed : {};
  };
  switch (operation) {
    case "DynamoDB.GetItem":
    case "DynamoDB.UpdateItem":
    case "DynamoDB.DeleteItem":
      return [tableRight(operation, input(), objectField(objectField(input(), "Key") ?? {}, "pk"))];
    case "DynamoDB.BatchGetItem": {
      const tables = Object.entries(objectField(input(), "RequestItems") ?? {});
      return tables.flatMap(([TableName, asked]) =>
        (isObject(asked) ? listField(asked, "Keys") : [])
          .filter(isObject)
          .map((key) => tableRight(operation, { TableName }, objectField(key, "pk"))),
      );
    }
    case "DynamoDB.BatchExecuteStatement":
      return listField(input(), "Statements").filter(isObject).map(statementRight);
    case "DynamoDB.Query": {
      const { TableName, IndexName } = input();
      // An index is a resource of its own, with keys of its own.
      if (IndexName !== undefined) {
        const resource = arn("dynamodb", `table/${String(TableName)}/index/${String(IndexName)}`);
        return [{ action: "dynamodb:Query", resource, context: {} }];
      }
      return [
        tableRight(operation, input(), objectField(objectField(input(), "ExpressionAttributeValues") ?? {}, ":pk")),
      ];
    }
    case "SQS.SendMessageBatch":
    case "SQS.ChangeMessageVisibility":
    case "SQS.GetQueueAttributes": {
      const queue = textField(input(), "QueueUrl")?.split("/").at(-1) ?? "";
      // A batch needs the right of its single call.
      return [
        { action: operation.replace("SQS.", "sqs:").replace("Batch", ""), resource: arn("sqs", queue), context: {} },
      ];
    }
    case "S3.GET": {
      const { searchParams: query } = new URL(path, "http://bucket");
      if (query.has("uploadId")) return [objectRight("s3:ListMultipartUploadParts", path)];
      if (!query.has("list-type")) return [objectRight("s3:GetObject", path), bucketRight(path)];
      return [{ ...objectRight("s3:ListBucket", path), context: { "s3:prefix": [query.get("prefix") ?? ""] } }];
    }
    case "S3.HEAD":
      return [objectRight("s3:GetObject", path), bucketRight(path)];
    case "S3.DELETE":
      return [objectRight(path.includes("uploadId=") ? "s3:AbortMultipartUpload" : "s3:DeleteObject", path)];
    case "S3.PUT":
      return [objectRight("s3:PutObject", path)];
    case "S3.POST": {
      // To begin and to complete an upload in parts.
      if (/[?&]upload(?:s|Id)\b/.test(path)) return [objectRight("s3:PutObject", path)];
      if (!path.startsWith("/v2/email/outbound-emails")) break;
      const from = String(textField(input(), "FromEmailAddress") ?? listField(input(), "From")[0] ?? senderOf(input()));
      const context = { "ses:FromAddress": [from] };
      const resource = arn("ses", `identity/${from}`);
      return ["ses:SendEmail", "ses:SendRawEmail"].map((action) => ({ action, resource, context }));
    }
  }
  throw new Error(
    `Call ${operation} ${path} is not known here: say in tests/helpers/aws-rights.ts which right it needs.`,
  );
}

/** The rights that whoever signed this needs: a link, or a form for an upload. */
export function rightsOfSigned(value: unknown): Right[] {
  if (Array.isArray(value)) return value.flatMap((one) => rightsOfSigned(isObject(one) ? one.url : one));
  if (typeof value === "string" && /[?&]X-Amz-Signature=/.test(value)) {
    const { pathname, searchParams } = new URL(value);
    return [objectRight(searchParams.has("partNumber") ? "s3:PutObject" : "s3:GetObject", pathname)];
  }
  if (isObject(value) && isObject(value.fields) && "Policy" in value.fields) {
    return [objectRight("s3:PutObject", `${new URL(String(value.url)).pathname}/${String(value.fields.key)}`)];
  }
  return [];
}

/** A statement needs the right of its verb: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html */
function statementRight(statement: Record<string, unknown>): Right {
  const [verb = "", table = ""] =
    /^(INSERT|UPDATE) (?:INTO )?"([^"]+)"/.exec(String(textField(statement, "Statement")))?.slice(1) ?? [];
  const action = `dynamodb:PartiQL${verb.slice(0, 1)}${verb.slice(1).toLowerCase()}`;
  return { action, resource: arn("dynamodb", `table/${table}`), context: {} };
}

function tableRight(operation: string, input: Record<string, unknown>, key: Record<string, unknown> = {}): Right {
  return {
    action: operation.replace("DynamoDB.", "dynamodb:"),
    resource: arn("dynamodb", `table/${textField(input, "TableName")}`),
    context: { "dynamodb:LeadingKeys": [String(key.S)] },
  };
}

function objectRight(action: string, path: string): Right {
  const place = decodeURIComponent(path.split("?")[0] ?? "").replace(/^\/+/, "");
  return {
    action,
    resource: `arn:aws:s3:::${place.replaceAll("000000000000", ACCOUNT_ID).replaceAll("//", "/")}`,
    context: {},
  };
}

/** To hear 404 instead of 403 of an object that is gone. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
function bucketRight(path: string): Right {
  const { resource } = objectRight("", path);
  return { action: "s3:ListBucket", resource: resource.slice(0, resource.indexOf("/")), context: {} };
}

/** The address in the From header of a raw message. */
function senderOf(input: Record<string, unknown>): string {
  const raw = objectField(objectField(input, "Content") ?? {}, "Raw") ?? {};
  const message = Buffer.from(String(raw.Data ?? ""), "base64").toString();
  return /^From: *<?([^\s<>]+)>?\r?$/im.exec(message)?.[1] ?? "";
}
