import type { JSX } from "preact";
import { call } from "../api.ts";
import { may } from "../frame.tsx";
import { pathOf } from "../path.ts";
import { goTo, linkTo } from "../route.ts";
import { type Entry, standingOf } from "../schedule.ts";
import { ActButton } from "../ui.tsx";

/** Run now, pause and resume, of every entry; on its own page also what only a dynamic one bears. */
export function EntryActs(props: { entry: Entry; refresh: () => void; isPage?: boolean }): JSX.Element | null {
  const { entry, refresh, isPage = false } = props;
  if (!may("operate")) return null;
  const { name, edition } = entry;
  const standing = standingOf(entry);
  const act = (what: string) => async (): Promise<void> => {
    await call(pathOf(["schedules", name, what]), { method: "POST" });
    refresh();
  };
  return (
    <div class="acts">
      <ActButton
        verb="Run now"
        isOff={standing === "broken"}
        sentence={`${name} sends its task once, now. Its fire times stay as they are.`}
        run={act("run")}
      />
      {standing === "paused" ? (
        <ActButton
          verb="Resume"
          sentence={`${name} goes on with its next fire time; those that its pause has left out are not made up for.`}
          run={act("resume")}
        />
      ) : (
        <ActButton
          verb="Pause"
          isOff={standing === "broken"}
          sentence={`${name} does not fire until it is resumed; a run that is under way goes on.`}
          run={act("pause")}
        />
      )}
      {isPage && !entry.static && (
        <>
          <a class="button" href={linkTo(["schedules", name], { form: "edit" })}>
            Edit
          </a>
          <ActButton
            verb="Delete"
            isDangerous
            sentence={`${name} is gone, with its history; a run that is under way goes on.`}
            run={async () => {
              await call(pathOf(["schedules", name]), {
                method: "DELETE",
                ...(edition !== undefined && { ifMatch: `"${edition}"` }),
              });
              goTo(linkTo(["schedules"]));
            }}
          />
        </>
      )}
    </div>
  );
}
