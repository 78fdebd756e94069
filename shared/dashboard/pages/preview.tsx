import type { JSX } from "preact";
import { isUtc, moment, zoneName } from "../format.ts";
import { type Preview, wallTime } from "../schedule.ts";
import { Empty, Scroll, Table, When } from "../ui.tsx";

/** The next fire times, in the entry's zone and in the viewer's. */
export function NextTimes({ times, timezone }: { times: readonly string[]; timezone: string }): JSX.Element {
  if (times.length === 0) return <Empty>It fires no more.</Empty>;
  const zone = isUtc.value ? "UTC" : undefined;
  return (
    <Scroll label="Next fire times">
      <table class="rows">
        <thead>
          <tr>
            <th>Next</th>
            <th>In {timezone}</th>
            <th>In {zoneName(isUtc.value)}</th>
          </tr>
        </thead>
        <tbody>
          {times.map((time) => (
            <tr key={time}>
              <td>
                <When time={time} />
              </td>
              <td>{wallTime(time)}</td>
              <td>{moment(time, zone)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Notes on surprises in a schedule, and on what the clock changes of the next year do to it. */
export function Notes({ preview: { notes, clockChanges } }: { preview: Preview }): JSX.Element {
  return (
    <>
      {notes.map((note) => (
        <p key={note} class="why">
          {note}
        </p>
      ))}
      {clockChanges.length > 0 && (
        <Table label="Clock changes of the next year" heads={["The clock changes", "By", "Effect on the schedule"]}>
          {clockChanges.map(({ at, minutes, effect }) => (
            <tr key={at}>
              <td>{wallTime(at)}</td>
              <td>
                {Math.abs(minutes)} min {minutes > 0 ? "forward" : "back"}
              </td>
              <td>{effect}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
