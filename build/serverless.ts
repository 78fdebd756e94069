/** The part of the framework (osls) that our plugins touch; the package brings no types. */

export interface Resource {
  Type: string;
  DeletionPolicy?: string;
  DependsOn?: string | string[];
  Properties?: Record<string, unknown>;
}

export interface Template {
  Parameters?: Record<string, unknown>;
  Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
}

export interface FunctionConfig {
  name: string;
  handler: string;
  role?: unknown;
  timeout?: number | string;
  memorySize?: number | string;
  architecture?: string;
  environment?: Record<string, unknown>;
  events?: Record<string, unknown>[];
  package?: { artifact?: string };
}

export interface Serverless {
  serviceDir: string;
  processedInput: { commands: string[] };
  service: {
    service: string;
    custom: {
      /** The folders of the task modules: a list, or text with commas. */
      tasks: string | readonly string[];
      /** Native packages of each function that runs any. */
      native: Record<string, string[] | undefined>;
      "serverless-offline"?: Record<string, unknown>;
    };
    functions: Record<string, FunctionConfig>;
    package: { artifact?: string };
    resources?: { Resources?: Record<string, unknown> };
    provider: {
      region: string;
      stage: string;
      architecture?: string;
      environment: Record<string, unknown>;
      compiledCloudFormationTemplate: Template;
    };
  };
  classes: { Error: new (message: string, code: string) => Error };
  /** serverless.yml as it was read, and what plugins have added to it. */
  configurationInput: { params?: Record<string, unknown>; functions?: unknown; [key: string]: unknown };
  /** Only while plugins are constructed. Replaces what is there. */
  extendConfiguration(path: string[], value: unknown): void;
  getProvider(name: "aws"): { getStage(): string; getRegion(): string; getAccountId(): Promise<string> };
  pluginManager: {
    getHooks(events: string | string[]): { pluginName: string; hook: () => Promise<void> }[];
    hooks: Record<string, { pluginName: string; hook: () => Promise<void> }[]>;
    plugins: object[];
    addPlugin(plugin: unknown): void;
  };
}
