/** Fields of forms. */

import type { ComponentChildren, JSX } from "preact";
import { useId, useMemo } from "preact/hooks";

/** A label, what is filled in, and a hint. */
export function Field(props: {
  label: string;
  hint?: string;
  children: (id: string) => ComponentChildren;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children(id)}
      {props.hint !== undefined && <span class="dim">{props.hint}</span>}
    </div>
  );
}

interface InputProps {
  id: string;
  value: string | undefined;
  onChange: (value: string) => void;
}

export function Text({
  id,
  value,
  onChange,
  isRequired,
  type,
}: InputProps & { isRequired?: boolean; type?: "text" | "number" }): JSX.Element {
  return (
    <input
      id={id}
      {...(type === "number" ? { type } : { type: "text" })}
      autocomplete="off"
      value={value}
      required={isRequired}
      onInput={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}

/** A time zone, of those that the browser knows. */
export function Zone({ id, value, onChange }: InputProps): JSX.Element {
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  return (
    <>
      <input
        id={id}
        list={`${id}-zones`}
        autocomplete="off"
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <datalist id={`${id}-zones`}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}

/** JSON, with what is wrong about it. */
export function Json({ id, value, onChange, rows = 4 }: InputProps & { rows?: number }): JSX.Element {
  return (
    <>
      <textarea
        id={id}
        rows={rows}
        spellcheck={false}
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <span class="trouble-text" role="status">
        {problemOf(value ?? "")}
      </span>
    </>
  );
}

function problemOf(text: string): string {
  try {
    if (text.trim() !== "") JSON.parse(text);
    return "";
  } catch (error) {
    return `This is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
