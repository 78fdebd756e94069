/** The files of the dashboard, built for browsers by `build/dashboard-module.ts`. */
declare module "lovage:dashboard" {
  export const files: import("lovage").DashboardFiles;
}
