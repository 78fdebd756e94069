import type { Resource, Serverless } from "./serverless.ts";

/** The parts that we use of the framework's deploy plugin. */
interface Deployment {
  getCreateChangeSetParams(options: { templateUrl?: string }): Record<string, unknown>;
}

/**
 * Lets CloudFormation take back what it has kept: the table and the bucket stay when the stack is removed, and their names are
 * taken then. Nothing else is imported: only a resource that says to be retained can be, and what another stack owns cannot.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
 */
export async function adoptRetained(serverless: Serverless): Promise<void> {
  const { Resources } = serverless.service.provider.compiledCloudFormationTemplate;
  const retained = Object.values(Resources).filter(isRetained);
  if (retained.length === 0) return;
  // Only a name without functions in it can be imported, so the account's number is written down.
  const account = await serverless.getProvider("aws").getAccountId();
  for (const { Properties = {} } of retained) {
    for (const name of ["BucketName", "TableName"]) {
      if (Properties[name] !== undefined) Properties[name] = withAccount(Properties[name], account);
    }
  }
  const deployment = serverless.pluginManager.plugins.find(isDeployment);
  if (deployment === undefined) throw new Error("The framework's plugin AwsDeploy was not found: expected osls 4.");
  const create = deployment.getCreateChangeSetParams;
  deployment.getCreateChangeSetParams = (options) => ({
    ...create.call(deployment, options),
    // The first change set of a new stack, which comes as a body, holds the bucket for the code alone.
    ...(options.templateUrl && { ImportExistingResources: true }),
  });
}

function isRetained({ DeletionPolicy = "Delete" }: Resource): boolean {
  return DeletionPolicy === "Retain" || DeletionPolicy === "RetainExceptOnCreate";
}

/** `!Sub "x-${AWS::AccountId}"` as the text that it becomes; any other function stays. */
function withAccount(name: unknown, account: string): unknown {
  const text = typeof name === "object" && name !== null && "Fn::Sub" in name ? name["Fn::Sub"] : undefined;
  if (typeof text !== "string") return name;
  const written = text.replaceAll("${AWS::AccountId}", account);
  return written.includes("${") ? name : written;
}

function isDeployment(plugin: object): plugin is Deployment {
  return plugin.constructor.name === "AwsDeploy" && "getCreateChangeSetParams" in plugin;
}
