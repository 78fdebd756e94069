/** Parts that all pages are made of. */

import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { TaskState } from "../results/record.ts";
import { Refusal } from "./api.ts";
import { serviceNow } from "./clock.ts";
import { distance, isUtc, moment } from "./format.ts";
import { writeExact } from "./json.ts";
import { SHAPES } from "./shapes.ts";

/** A clock for what is shown as "3 min ago"; it stands still while nobody looks. */
export const now = signal(serviceNow());
setInterval(() => {
  if (!document.hidden) now.value = serviceNow();
}, 1000);

/** In the order of a task's life. */
export const STATES: readonly TaskState[] = ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"];

export function StateMark({ state, note }: { state: TaskState; note?: string | undefined }): JSX.Element {
  return (
    <span class={`state state-${state.toLowerCase()}`}>
      <span aria-hidden="true">{SHAPES[state] ?? "?"}</span> {state}
      {note !== undefined && <span class="note"> · {note}</span>}
    </span>
  );
}

/** A moment: how long ago, with the exact time beside it for pointer and reader. */
export function When({ time, exact = false }: { time: string | undefined; exact?: boolean }): JSX.Element {
  if (time === undefined) return <span class="dim">–</span>;
  const full = `${moment(time, isUtc.value ? "UTC" : undefined)}${isUtc.value ? " UTC" : ""}`;
  return (
    <time dateTime={time} title={exact ? distance(time, now.value) : full}>
      {exact ? full : distance(time, now.value)}
    </time>
  );
}

/** A task or a workflow by its name, with the beginning of its id. */
export function Named({ href, name, id }: { href: string; name: string; id: string }): JSX.Element {
  return (
    <>
      <a href={href}>
        <bdi>{name}</bdi>
      </a>{" "}
      <span class="dim id">{id.slice(0, 8)}</span>
    </>
  );
}

/** A part that scrolls by itself, also by keyboard. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a reader without a mouse scrolls it by its focus
    <section class="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}

/** Text as it is, with its lines. */
export function Text({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <Scroll label={label}>
      <pre>{children}</pre>
    </Scroll>
  );
}

const FOLDED_LINES = 24;
const FOLDED_CHARS = 4000;

/** A value as JSON, folded if it is long, with its text one press away. */
export function JsonView({ value, label }: { value: unknown; label: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  const text = writeExact(value);
  const lines = text.split("\n");
  const folds = lines.length > FOLDED_LINES || text.length > FOLDED_CHARS;
  const shown = folds && !open ? lines.slice(0, FOLDED_LINES).join("\n").slice(0, FOLDED_CHARS) : text;
  return (
    <div class="json">
      <Text label={label}>
        <bdi>{shown}</bdi>
        {folds && !open && "\n…"}
      </Text>
      <div class="acts">
        {folds && (
          <button type="button" onClick={() => setOpen(!open)}>
            {open ? "Fold" : `Show all ${text.length.toLocaleString("en-US")} characters`}
          </button>
        )}
        <CopyButton text={text} label={`Copy ${label.toLowerCase()}`} />
      </div>
    </div>
  );
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (): void => void navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <button type="button" class="quiet" onClick={copy} aria-label={label} title={label}>
      {copied ? "Copied" : "Copy"}
    </button>
  );
}

/** Why something is not there. */
export function Trouble({ error }: { error: Error | undefined }): JSX.Element | null {
  if (error === undefined) return null;
  const sentence = error instanceof Refusal ? error.message : "The service does not answer; it is asked again.";
  return (
    <p class="trouble" role="alert">
      {sentence}
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

export function Loading(): JSX.Element {
  return (
    <p class="empty" role="status">
      Loading …
    </p>
  );
}

/** A number with the words for it, that leads to the list behind it. */
export function Fact({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** How many a second. */
export function RateField(props: { rate: string; most: number; onChange: (rate: string) => void }): JSX.Element {
  const { rate, most, onChange } = props;
  return (
    <label>
      A second
      <input
        type="number"
        min="0.1"
        max={most}
        step="0.1"
        value={rate}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  );
}

/** A table that scrolls by itself. @param heads titles of its columns; those of numbers stand at the right */
export function Table(props: {
  label: string;
  heads: readonly (string | { number: string })[];
  children: ComponentChildren;
}): JSX.Element {
  const { label, heads, children } = props;
  return (
    <Scroll label={label}>
      <table class="rows">
        <thead>
          <tr>
            {heads.map((head) =>
              typeof head === "string" ? (
                <th key={head}>{head}</th>
              ) : (
                <th key={head.number} class="number">
                  {head.number}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  );
}

export interface Act {
  /** A verb: the button's text, and the dialog's. */
  verb: string;
  /** Says what it does to what, and what it does not. */
  sentence: string;
  run: () => Promise<unknown>;
  isDangerous?: boolean;
  isOff?: boolean;
  /** Fields that the person fills in before. */
  children?: ComponentChildren;
}

/** A button that asks once, is off while its act is under way, and says what became of it. */
export function ActButton({ verb, sentence, run, isDangerous, isOff, children }: Act): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [state, setState] = useState<"idle" | "asked" | "done">("idle");
  const [error, setError] = useState<Error>();

  const act = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (state === "asked") return;
    setState("asked");
    setError(undefined);
    try {
      await run();
      setState("done");
      dialog.current?.close();
    } catch (failure) {
      setState("idle");
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    }
  };
  const ask = (): void => {
    setState("idle");
    setError(undefined);
    dialog.current?.showModal();
  };
  return (
    <>
      <button type="button" class={isDangerous ? "danger" : ""} disabled={isOff || state === "asked"} onClick={ask}>
        {verb}
      </button>
      <dialog ref={dialog} aria-label={verb}>
        <form onSubmit={(event) => void act(event)}>
          <h2>{verb}?</h2>
          <p>{sentence}</p>
          {children}
          <Trouble error={error} />
          <div class="acts">
            <button type="button" onClick={() => dialog.current?.close()}>
              Leave it
            </button>
            <button type="submit" class={isDangerous ? "danger main" : "main"} disabled={state === "asked"}>
              {state === "asked" ? "Asked …" : verb}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}

/** An object in one line. */
export function Words({ value }: { value: unknown }): JSX.Element {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [["", value] as const];
  return (
    <bdi>
      {entries.map(([name, one]) => `${name} ${typeof one === "string" ? one : writeExact(one)}`.trim()).join(", ")}
    </bdi>
  );
}
