import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { FailureGroup, GroupState } from "../../failures/groups.ts";
import type { TaskRecord } from "../../results/record.ts";
import { call, Refusal } from "../api.ts";
import { count } from "../format.ts";
import { may } from "../frame.tsx";
import { useLive } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo, route } from "../route.ts";
import { noteOf } from "../rows.ts";
import { ActButton, Empty, Fact, Loading, RateField, StateMark, Table, Trouble, When } from "../ui.tsx";
import { useActs } from "./bulk.tsx";

const WORDS: Readonly<Record<GroupState, string>> = { open: "▲ open", ignored: "■ ignored", resolved: "● resolved" };

/** Failures by their kind, those that nobody has judged first. */
export function FailuresPage(): JSX.Element {
  const { query } = route.value;
  const { state = "open" } = query;
  const asked = state === "all" ? undefined : state;
  const path = pathOf(["failures"], { state: asked, task: query.task, cursor: query.cursor });
  const { data, error } = useLive<{ failures: FailureGroup[]; cursor?: string }>(path, { everySeconds: 5 });
  return (
    <>
      <h1>Failures</h1>
      <nav class="chips" aria-label="States of failures">
        {["open", "ignored", "resolved", "all"].map((name) => (
          <a key={name} href={linkTo(["failures"], { state: name })} aria-current={name === state ? "true" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <Trouble error={error} />
      {data === undefined ? <Loading /> : <Groups groups={data.failures} />}
      {data?.cursor !== undefined && (
        <button type="button" onClick={() => goTo(linkTo(["failures"], { ...query, cursor: data.cursor }))}>
          Older
        </button>
      )}
    </>
  );
}

/** In which versions of the code it was seen: the first and the last. */
function versionsOf({ firstVersion, lastVersion }: FailureGroup): string {
  return firstVersion === lastVersion
    ? lastVersion
    : `${firstVersion || "one without a name"} to ${lastVersion || "one without a name"}`;
}

/** A table of groups. */
export function Groups({ groups }: { groups: readonly FailureGroup[] }): JSX.Element {
  if (groups.length === 0) return <p class="fine">● None.</p>;
  const hasVersions = groups.some(({ lastVersion }) => lastVersion !== "");
  const version = hasVersions ? ["Version"] : [];
  return (
    <Table
      label="Failures by kind"
      heads={[{ number: "About" }, "Task", "Error", "Place", "First", "Last", ...version, "State"]}
    >
      {groups.map((group) => (
        <tr key={group.fingerprint}>
          <td class="number">{count(group.count)}</td>
          <td>
            <bdi>{group.task}</bdi>
          </td>
          <td class="long">
            <a href={linkTo(["failures", group.fingerprint])}>
              <bdi>{group.name}</bdi>
            </a>
            : <bdi>{group.message}</bdi>
          </td>
          <td>
            <bdi>{group.place ?? ""}</bdi>
          </td>
          <td>
            <When time={group.firstAt} />
          </td>
          <td>
            <When time={group.lastAt} />
          </td>
          {hasVersions && (
            <td>
              <bdi>{versionsOf(group)}</bdi>
            </td>
          )}
          <td>
            {WORDS[group.state]}
            {group.reopened && <span class="note"> again</span>}
          </td>
        </tr>
      ))}
    </Table>
  );
}

type Shown = FailureGroup & { tasks: TaskRecord[]; cursor?: string };

/** A kind of failure: what it is, who has it, and its cure. */
export function FailurePage({ id }: { id: string }): JSX.Element {
  const { cursor } = route.value.query;
  const { data: group, error, refresh } = useLive<Shown>(pathOf(["failures", id], { cursor }), { everySeconds: 5 });
  if (group === undefined) {
    return (
      <>
        <h1>Failure</h1>
        {error instanceof Refusal && error.status === 404 ? (
          <Empty>There is no such kind of failure: it never was, or was not seen for 90 days.</Empty>
        ) : (
          (error && <Trouble error={error} />) || <Loading />
        )}
      </>
    );
  }
  return (
    <>
      <div class="head">
        <h1>
          <bdi>{group.task}</bdi>: <bdi>{group.name}</bdi>
        </h1>
        {may("operate") && <GroupActs group={group} refresh={refresh} />}
      </div>
      <Trouble error={error} />
      <p>
        <bdi>{group.message}</bdi>
      </p>
      <dl class="facts">
        <Fact label="State">
          {WORDS[group.state]}
          {group.reopened && " again: it was resolved"}
        </Fact>
        <Fact label="About how often">{count(group.count)}</Fact>
        {group.code !== undefined && (
          <Fact label="Code">
            <code>{group.code}</code>
          </Fact>
        )}
        {group.place !== undefined && (
          <Fact label="Place">
            <bdi>{group.place}</bdi>
          </Fact>
        )}
        <Fact label="First seen">
          <When time={group.firstAt} exact />
        </Fact>
        <Fact label="Last seen">
          <When time={group.lastAt} exact />
        </Fact>
        {group.lastVersion !== "" && (
          <Fact label="Versions">
            <bdi>{versionsOf(group)}</bdi>
          </Fact>
        )}
        <Fact label="Newest">
          <a class="id" href={linkTo(["tasks", group.sample])}>
            {group.sample}
          </a>
        </Fact>
      </dl>
      <h2>Tasks that failed so</h2>
      <Members group={group} />
    </>
  );
}

function GroupActs({ group, refresh }: { group: FailureGroup; refresh: () => void }): JSX.Element {
  const [rate, setRate] = useState("10");
  const make = useActs();
  const say = (word: string) => async (): Promise<void> => {
    await call(pathOf(["failures", group.fingerprint, word]), { method: "POST" });
    refresh();
  };
  const replayAll = async (): Promise<void> => {
    const id = await make({ act: "replay", failure: group.fingerprint, rate: Number(rate), start: false });
    goTo(linkTo(["activity", id]));
  };
  return (
    <div class="acts">
      <ActButton
        verb="Replay all"
        sentence="This finds all tasks that have failed so, and shows how many they are. Nothing is done before you have seen them; then each that has not run again yet does so, at this rate and under the limits of its task."
        run={replayAll}
      >
        <RateField rate={rate} most={1000} onChange={setRate} />
      </ActButton>
      {group.state !== "resolved" && (
        <ActButton
          verb="Resolve"
          sentence="It counts as mended, until it comes again in another version."
          run={say("resolve")}
        />
      )}
      {group.state !== "ignored" && (
        <ActButton
          verb="Ignore"
          sentence="It is left out of the open ones, also when it comes again."
          run={say("ignore")}
        />
      )}
      {group.state !== "open" && (
        <ActButton verb="Open again" sentence="It stands among the open ones again." run={say("reopen")} />
      )}
    </div>
  );
}

function Members({ group }: { group: Shown }): JSX.Element {
  if (group.tasks.length === 0) return <Empty>None is kept any more.</Empty>;
  return (
    <>
      <Table label="Tasks that failed so" heads={["State", "Id", "Ended", "Message"]}>
        {group.tasks.map((record) => (
          <tr key={record.id}>
            <td>
              <StateMark state={record.state} note={noteOf(record)} />
            </td>
            <td>
              <a class="id" href={linkTo(["tasks", record.id])}>
                {record.id}
              </a>
            </td>
            <td>
              <When time={record.finishedAt} />
            </td>
            <td class="long">
              <bdi>{record.error?.message ?? ""}</bdi>
            </td>
          </tr>
        ))}
      </Table>
      {group.cursor !== undefined && (
        <button type="button" onClick={() => goTo(linkTo(["failures", group.fingerprint], { cursor: group.cursor }))}>
          Older
        </button>
      )}
    </>
  );
}
