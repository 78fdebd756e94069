/** All that the entries of `custom.lovage` stand for, as additions to a declaration (own-entries.ts reads the entries). */

import { isObject, type JsonObject, objectsOf } from "../localstack/json.ts";
import { ROLES } from "../shared/api-keys.ts";
import { referenced } from "./mappings.ts";
import type { BucketEntry, BucketRight, OwnEntries, QueueEntry, ViewEntry } from "./own-entries.ts";

/** A value, and its place in a declaration. The number after a list's last one adds to the list. */
export type Addition = readonly [path: readonly string[], value: unknown];

/** The resources that new ones are made like. */
const MODELS = { queue: "DefaultQueue", fifo: "FifoQueue", bucket: "UploadsBucket" };

/** The roles of the functions of the API, by the role that a key needs for them. */
const API_ROLES = { read: "ReadRole", submit: "SubmitRole", operate: "OperateRole" } as const;

const VERSION = "2012-10-17";

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html */
const KEY_ACTIONS: Readonly<Record<BucketRight, readonly string[]>> = {
  read: ["s3:GetObject"],
  write: ["s3:PutObject", "s3:AbortMultipartUpload"],
  delete: ["s3:DeleteObject"],
};

/**
 * @param declaration Lovage's own, or that of a service which has a copy of it; it is not changed
 * @param service the service's words, which may name further functions
 * @throws Error in one sentence for an entry that would take another's place, and for rights of a function that has no role of its own
 */
export function additionsOf(declaration: JsonObject, service: JsonObject, entries: OwnEntries): Addition[] {
  const { queues, views, buckets } = entries;
  const forQueues = queueAdditions(declaration, queues);
  const whole = structuredClone(declaration);
  for (const addition of forQueues) applyAddition(whole, addition);
  const additions = [
    ...forQueues,
    ...[...views].flatMap(([name, view]) => viewAdditions(whole, name, view)),
    ...[...buckets].flatMap(([name, bucket]) => {
      const roleOf = (key: string): string => roleOfFunction({ declaration, service, views }, name, key);
      return bucketAdditions(declaration, name, bucket, bucket.functions.map(roleOf));
    }),
  ];
  checkPlaces(declaration, additions);
  return additions;
}

/** Puts an addition into a declaration. */
export function applyAddition(declaration: JsonObject, [path, value]: Addition): void {
  let place: unknown = declaration;
  for (const key of path.slice(0, -1)) {
    if (Array.isArray(place)) place = place[Number(key)];
    else if (isObject(place)) {
      place[key] ??= {};
      place = place[key];
    }
  }
  const last = path.at(-1) ?? "";
  if (Array.isArray(place)) place[Number(last)] = value;
  else if (isObject(place)) place[last] = value;
}

/** The value at a place of a declaration. */
export function valueAt(declaration: unknown, path: readonly string[]): unknown {
  let found = declaration;
  for (const key of path) {
    if (Array.isArray(found)) found = found[Number(key)];
    else found = isObject(found) ? found[key] : undefined;
  }
  return found;
}

/** `bulk-mail` → `BulkMail`, which begins logical ids: they are a contract. */
function idOf(name: string): string {
  const words = name.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return words.join("");
}

/** `bulk-mail` → `BULK_MAIL` */
function variableOf(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

/** A queue like the default one, or like the shipped FIFO queue, wherever that one is named. */
function queueAdditions(declaration: JsonObject, queues: ReadonlyMap<string, QueueEntry>): Addition[] {
  const resources = [...queues].flatMap(([name, { fifo }]): Addition[] => {
    const model = modelOf(declaration, fifo ? MODELS.fifo : MODELS.queue);
    const Properties = {
      ...objectAt(model, ["Properties"]),
      QueueName: `\${self:custom.prefix}-${name}${fifo ? ".fifo" : ""}`,
    };
    return [
      [["resources", "Resources", `${idOf(name)}Queue`], { ...model, Properties }],
      [["provider", "environment", `BROKER_URL_${variableOf(name)}`], { Ref: `${idOf(name)}Queue` }],
    ];
  });
  const events = Object.keys(objectAt(declaration, ["functions"])).flatMap((key): Addition[] => {
    const place = ["functions", key, "events"];
    const list = valueAt(declaration, place);
    const model = objectsOf(list).find(({ sqs }) => isObject(sqs) && isDefaultQueue(sqs.arn));
    if (model === undefined || !Array.isArray(list)) return [];
    return [...queues].map(([name, { workers }], index) => [
      [...place, String(list.length + index)],
      { sqs: { ...objectAt(model, ["sqs"]), arn: arnOf(`${idOf(name)}Queue`), maximumConcurrency: workers } },
    ]);
  });
  const rights = queueLists(declaration).flatMap(({ place, length }) =>
    [...queues.keys()].map(
      (name, index): Addition => [[...place, String(length + index)], arnOf(`${idOf(name)}Queue`)],
    ),
  );
  return [...resources, ...events, ...rights];
}

/** The lists of queues in the statements of roles. */
function queueLists(declaration: JsonObject): { place: string[]; length: number }[] {
  return Object.keys(objectAt(declaration, ["resources", "Resources"])).flatMap((id) => {
    const policies = ["resources", "Resources", id, "Properties", "Policies"];
    return objectsOf(valueAt(declaration, policies)).flatMap((policy, at) =>
      objectsOf(valueAt(policy, ["PolicyDocument", "Statement"])).flatMap(({ Resource }, index) => {
        const place = [...policies, String(at), "PolicyDocument", "Statement", String(index), "Resource"];
        const isList = Array.isArray(Resource) && Resource.some(isDefaultQueue);
        return isList ? [{ place, length: Resource.length }] : [];
      }),
    );
  });
}

function viewAdditions(declaration: JsonObject, name: string, { handler, routes, key }: ViewEntry): Addition[] {
  const role = `${idOf(name)}Role`;
  const statements = ROLES.slice(0, ROLES.indexOf(key) + 1).flatMap((one) => statementsOf(declaration, API_ROLES[one]));
  // The roles of the API share some.
  const once = [...new Map(statements.map((statement) => [JSON.stringify(statement), statement])).values()];
  const PolicyDocument = { Version: VERSION, Statement: once };
  return [
    [
      ["functions", name],
      {
        handler,
        role,
        environment: { VIEW_KEY_ROLE: key },
        events: routes.map((route) => ({ httpApi: route })),
      },
    ],
    [
      ["resources", "Resources", role],
      {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: {
            Version: VERSION,
            Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
          },
          Policies: [{ PolicyName: name, PolicyDocument }],
        },
      },
    ],
  ];
}

function statementsOf(declaration: JsonObject, role: string): JsonObject[] {
  const policies = objectsOf(valueAt(modelOf(declaration, role), ["Properties", "Policies"]));
  return policies.flatMap((policy) => objectsOf(valueAt(policy, ["PolicyDocument", "Statement"])));
}

/** Rights in a policy of their own, which mixes with no role's statements, and is there whatever the service says of the role. */
function bucketAdditions(
  declaration: JsonObject,
  name: string,
  { bucket, keys, allow }: BucketEntry,
  roles: readonly string[],
): Addition[] {
  const id = `${idOf(name)}Bucket`;
  const named = bucket ?? { Ref: id };
  const at = (keysOf = ""): object => ({
    "Fn::Sub": [`arn:\${AWS::Partition}:s3:::\${Bucket}${keysOf}`, { Bucket: named }],
  });
  const Statement = [
    ...allow.map((right) => ({
      Effect: "Allow",
      Action: KEY_ACTIONS[right],
      Resource: keys.map((pattern) => at(`/${pattern}`)),
    })),
    // Without it S3 answers 403 instead of 404 for what is not there.
    ...(allow.includes("read") ? [{ Effect: "Allow", Action: "s3:ListBucket", Resource: at() }] : []),
  ];
  return [
    ...(bucket === undefined ? bucketResources(declaration, name, id) : []),
    [["provider", "environment", `${variableOf(name)}_BUCKET`], named],
    [
      ["resources", "Resources", `${id}Rights`],
      {
        Type: "AWS::IAM::Policy",
        Properties: {
          PolicyName: `\${self:custom.prefix}-${name}-bucket`,
          PolicyDocument: { Version: VERSION, Statement },
          Roles: [...new Set(roles)].map((role) => ({ Ref: role })),
        },
      },
    ],
  ];
}

/** A bucket as closed as that of uploads, which is kept when its stack is removed. */
function bucketResources(declaration: JsonObject, name: string, id: string): Addition[] {
  const { Type, DeletionPolicy, UpdateReplacePolicy, Properties } = modelOf(declaration, MODELS.bucket);
  const { BucketEncryption, PublicAccessBlockConfiguration, OwnershipControls } = isObject(Properties)
    ? Properties
    : {};
  const BucketName = { "Fn::Sub": `\${self:custom.prefix}-${name}-\${AWS::AccountId}` };
  const policy = JSON.stringify(modelOf(declaration, `${MODELS.bucket}Policy`)).replaceAll(MODELS.bucket, id);
  return [
    [
      ["resources", "Resources", id],
      {
        Type,
        DeletionPolicy,
        UpdateReplacePolicy,
        Properties: { BucketName, BucketEncryption, PublicAccessBlockConfiguration, OwnershipControls },
      },
    ],
    [["resources", "Resources", `${id}Policy`], JSON.parse(policy)],
  ];
}

interface Words {
  declaration: JsonObject;
  service: JsonObject;
  views: ReadonlyMap<string, ViewEntry>;
}

/** The logical id of a function's role. */
function roleOfFunction({ declaration, service, views }: Words, bucket: string, key: string): string {
  const place = ["functions", key, "role"];
  const own = views.has(key) ? `${idOf(key)}Role` : undefined;
  const role = valueAt(service, place) ?? own ?? valueAt(declaration, place);
  if (typeof role === "string" && /^[A-Za-z0-9]+$/.test(role)) return role;
  throw new Error(
    `'custom.lovage.buckets.${bucket}' in serverless.yml gives rights to function '${key}', which ${role === undefined ? "has no role of its own" : "has a role that is no resource of this service"}: expected a function with 'role: <logical id>'. Name another function, or give it such a role.`,
  );
}

/** @throws Error for a place that the declaration has already */
function checkPlaces(declaration: JsonObject, additions: readonly Addition[]): void {
  const taken = new Set<string>();
  for (const [path] of additions) {
    const place = path.join(".");
    const found = valueAt(declaration, path);
    // A resource or function without these is the service's word on one of an entry.
    const isWord = isObject(found) && !("Type" in found) && !("handler" in found) && referenced(found) === undefined;
    if (taken.has(place) || (found !== undefined && !isWord)) {
      throw new Error(
        `An entry under 'custom.lovage' in serverless.yml would be '${place}', which is there already: expected a name that makes another. Rename the entry.`,
      );
    }
    taken.add(place);
  }
}

function modelOf(declaration: JsonObject, id: string): JsonObject {
  const found = valueAt(declaration, ["resources", "Resources", id]);
  if (isObject(found) && "Type" in found) return structuredClone(found);
  throw new Error(
    `An entry under 'custom.lovage' in serverless.yml is made like the resource ${id}, which is not declared: expected Lovage's own resources. Declare ${id}, or write out what the entry stands for.`,
  );
}

function objectAt(declaration: JsonObject, path: readonly string[]): JsonObject {
  const found = valueAt(declaration, path);
  return isObject(found) ? found : {};
}

function isDefaultQueue(value: unknown): boolean {
  return referenced(value) === MODELS.queue;
}

function arnOf(id: string): object {
  return { "Fn::GetAtt": [id, "Arn"] };
}
