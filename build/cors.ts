import { parseOrigins } from "../shared/config.ts";
import type { Serverless } from "./serverless.ts";

/** Pages of this machine, as a bucket's rule says it; each may have one `*`. */
const LOOPBACK_ORIGINS = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

/** The dashboard's own: it sends files to the bucket and shows what became of them. A domain of your own stands in CORS_ORIGIN. */
const OWN_ORIGIN = { "Fn::GetAtt": ["HttpApi", "ApiEndpoint"] };

interface Request {
  address: string | null;
  resolveVariable(variable: string): Promise<unknown>;
}

/**
 * The rules of serverless.yml for other origins, as `${cors:api}` and `${cors:bucket}`: made from `param:corsOrigin`, for a variable
 * there cannot be split into a list. Without an origin the API has no rule; the bucket always lets the stage's own page in. On an open stage pages of this
 * machine may call, too: the functions themselves answer those, since the names of an API know no `*`.
 */
export function corsVariables(serverless: Serverless) {
  return {
    async resolve({ address, resolveVariable }: Request): Promise<{ value: unknown }> {
      const origins = originsOf(serverless, String((await resolveVariable("param:corsOrigin")) ?? ""));
      const isOpen = (await resolveVariable("param:apiKeyHashes")) === "none";
      const named = origins === "*" ? ["*"] : origins;
      switch (address) {
        case "api": {
          const allowed = [...named, ...(isOpen ? LOOPBACK_ORIGINS : [])];
          return { value: allowed.length > 0 && apiRule(allowed) };
        }
        case "bucket": {
          const isLocal = (await resolveVariable("sls:stage")) === "local";
          const own = isLocal ? LOOPBACK_ORIGINS : [OWN_ORIGIN];
          return { value: { CorsRules: [bucketRule(origins === "*" ? ["*"] : [...named, ...own])] } };
        }
        default:
          throw new Error(`Variable 'cors:${address ?? ""}' is not known: expected cors:api or cors:bucket.`);
      }
    },
  };
}

/** The framework shows a stack for any error but its own. */
function originsOf(serverless: Serverless, text: string): readonly string[] | "*" {
  try {
    return parseOrigins(text);
  } catch (error) {
    throw new serverless.classes.Error(error instanceof Error ? error.message : String(error), "LOVAGE");
  }
}

/** The rules of shared/http/cors.ts, in API Gateway's form. */
function apiRule(allowedOrigins: readonly string[]): object {
  return {
    allowedOrigins,
    allowedHeaders: ["Content-Type", "Authorization", "X-Api-Key", "If-Match"],
    allowedMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    exposedResponseHeaders: ["Location", "Retry-After", "ETag"],
    maxAge: 3600,
  };
}

function bucketRule(AllowedOrigins: readonly unknown[]): object {
  return {
    AllowedMethods: ["GET", "POST", "PUT"],
    AllowedOrigins,
    AllowedHeaders: ["*"],
    ExposedHeaders: ["ETag"],
    MaxAge: 3600,
  };
}
