import "./dashboard.css";
import "./schedules.css";
import "./workflows.css";
import { type ComponentType, type JSX, render } from "preact";
import { Frame } from "./frame.tsx";
import { lazy } from "./lazy.tsx";
import { isPaused } from "./live.ts";
import { own } from "./own.ts";
import { ActivityPage } from "./pages/activity.tsx";
import { BulkActPage } from "./pages/bulk-act.tsx";
import { FailurePage, FailuresPage } from "./pages/failures.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { QueuesPage } from "./pages/queues.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TasksPage } from "./pages/tasks.tsx";
import { linkTo, route } from "./route.ts";

const PRELOAD_MILLISECONDS = 3000;

/** Pages that are not needed at once, each with what it alone needs: a layout of graphs, forms, the way of files. */
const schedules = lazy(async () => (await import("./pages/schedules.tsx")).SchedulesPage);
const schedule = lazy(async () => (await import("./pages/schedule.tsx")).SchedulePage);
const send = lazy(async () => (await import("./pages/send.tsx")).SendPage);
const workflows = lazy(async () => (await import("./pages/workflows.tsx")).WorkflowsPage);
const workflow = lazy(async () => (await import("./pages/workflow.tsx")).WorkflowPage);

/** The pages by the first part of their address; those with a second part beside them. */
const LISTS: Readonly<Record<string, ComponentType>> = {
  "": OverviewPage,
  tasks: TasksPage,
  failures: FailuresPage,
  queues: QueuesPage,
  send: send.Page,
  activity: ActivityPage,
  workflows: workflows.Page,
  schedules: schedules.Page,
};
const DETAILS: Readonly<Record<string, ComponentType<{ id: string }>>> = {
  tasks: TaskPage,
  failures: FailurePage,
  workflows: workflow.Page,
  schedules: schedule.Page,
  activity: BulkActPage,
};

function Page(): JSX.Element {
  const [name = "", id] = route.value.path;
  const Detail = id === undefined ? undefined : own(DETAILS, name);
  if (Detail && id !== undefined) return <Detail key={id} id={id} />;
  const List = id === undefined ? own(LISTS, name) : undefined;
  if (List) return <List />;
  return (
    <>
      <h1>No such page</h1>
      <p>
        There is nothing at this address. <a href={linkTo([])}>To the overview</a>
      </p>
    </>
  );
}

const root = document.getElementById("root");
if (root) {
  render(
    <Frame>
      <Page />
    </Frame>,
    root,
  );
}

// Once the first page stands: a later one then needs no answer of a service that may be gone by then.
setTimeout(() => {
  if (isPaused.peek()) return;
  for (const page of [schedules, schedule, send, workflows, workflow]) page.load();
}, PRELOAD_MILLISECONDS);
