import "./dashboard.css";
import { type ComponentType, type JSX, render } from "preact";
import { Frame } from "./frame.tsx";
import { ActivityPage } from "./pages/activity.tsx";
import { BulkActPage } from "./pages/bulk-act.tsx";
import { FailurePage, FailuresPage } from "./pages/failures.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { QueuesPage } from "./pages/queues.tsx";
import { SchedulePage } from "./pages/schedule.tsx";
import { SchedulesPage } from "./pages/schedules.tsx";
import { SendPage } from "./pages/send.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TasksPage } from "./pages/tasks.tsx";
import { WorkflowPage } from "./pages/workflow.tsx";
import { WorkflowsPage } from "./pages/workflows.tsx";
import { linkTo, route } from "./route.ts";

/** The pages by the first part of their address; those with a second part beside them. */
const LISTS: Readonly<Record<string, ComponentType>> = {
  "": OverviewPage,
  tasks: TasksPage,
  failures: FailuresPage,
  queues: QueuesPage,
  send: SendPage,
  activity: ActivityPage,
  workflows: WorkflowsPage,
  schedules: SchedulesPage,
};
const DETAILS: Readonly<Record<string, ComponentType<{ id: string }>>> = {
  tasks: TaskPage,
  failures: FailurePage,
  workflows: WorkflowPage,
  schedules: SchedulePage,
  activity: BulkActPage,
};

function Page(): JSX.Element {
  const [name = "", id] = route.value.path;
  const Detail = id === undefined ? undefined : DETAILS[name];
  if (Detail && id !== undefined) return <Detail key={id} id={id} />;
  const List = id === undefined ? LISTS[name] : undefined;
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
