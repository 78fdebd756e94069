/** Every module of the task folders (`custom.tasks` in serverless.yml), listed by the build (`build/task-modules.ts`): a new file there needs no entry here. */
declare module "lovage:tasks" {
  export const modules: readonly import("lovage").TaskModule[];
}
