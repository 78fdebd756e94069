import { modules } from "lovage:tasks";
import { createRead } from "lovage";

/** Every `GET`, the dashboard, and the answer to calls that no route knows. The dashboard is loaded when somebody looks at it. */
export const handler = createRead(modules, { dashboard: () => import("lovage:dashboard") });
