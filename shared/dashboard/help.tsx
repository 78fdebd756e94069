/** Keys, the words of a search, and what marks mean: one press away from everywhere. */

import type { JSX } from "preact";
import { useRef } from "preact/hooks";

interface Row {
  /** As it is typed, or seen. */
  what: string;
  meaning: string;
}

const SEARCH: readonly Row[] = [
  { what: "state:FAILURE,RETRY", meaning: "in one of these states" },
  { what: "-task:add", meaning: "not this task" },
  { what: "tag:customer-7", meaning: "exactly this tag; likewise queue:, root:, parent:" },
  { what: 'error:"no such file"', meaning: "part of the error; likewise id:, payload:, result:, header:" },
  { what: "mailbox", meaning: "part of the id, name, a tag or the error" },
];

const WORDS: readonly Row[] = [
  { what: "due in …", meaning: "it waits for its time" },
  { what: "told to stop", meaning: "it was revoked while it runs, and is stopped within seconds" },
  { what: "PENDING while it runs", meaning: "its task does not say when it starts (trackStarted: false)" },
  { what: "no record", meaning: "its task keeps none (ignoreResult), or it has ended and is shown no longer" },
  { what: "[secret]", meaning: "a value that the service does not show" },
  { what: "about", meaning: "counted by SQS, or once a minute by each worker" },
];

/** @param pages titles of pages by the letter that leads there after `g` */
export function Help({ pages }: { pages: readonly { title: string; letter: string }[] }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const keys = [
    ...pages.map(({ title, letter }) => ({ what: `g ${letter}`, meaning: title })),
    { what: "/", meaning: "the search of tasks" },
    { what: "?", meaning: "this help" },
  ];
  return (
    <>
      <button type="button" class="quiet help" onClick={() => dialog.current?.showModal()}>
        Help
      </button>
      <dialog ref={dialog} aria-label="Help">
        <h2>Help</h2>
        <Rows title="Keys" rows={keys} />
        <Rows title="Search of tasks" rows={SEARCH} />
        <Rows title="Words" rows={WORDS} />
        <form method="dialog" class="acts">
          <button type="submit" class="main">
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}

function Rows({ title, rows }: { title: string; rows: readonly Row[] }): JSX.Element {
  return (
    <>
      <h3>{title}</h3>
      <dl class="help">
        {rows.map(({ what, meaning }) => (
          <div key={what}>
            <dt>
              <code>{what}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
