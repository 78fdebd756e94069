/** Every module of the task folders (`custom.tasks` in serverless.yml), listed by the build (`build/task-modules.ts`): a new file there needs no entry here. */
declare module "lovage:tasks" {
  export const modules: readonly import("lovage").TaskModule[];
}
/** The same modules, loaded when one of their tasks is asked for. */
declare module "lovage:tasks/lazy" {
  export const modules: readonly (import("lovage").TaskModule | import("lovage").LazyTaskModule)[];
}
