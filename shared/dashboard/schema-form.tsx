import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { writeExact } from "./json.ts";
import { type Contract, inputOf, resolved, type Schema, withField } from "./schema.ts";

interface FieldProps {
  name: string;
  schema: Schema;
  contract: Contract;
  value: unknown;
  isRequired: boolean;
  onChange: (value: unknown) => void;
}

/** A field for each value of a schema; an empty one that need not be there is left out of the payload. */
export function SchemaField(props: FieldProps): JSX.Element {
  const { name, contract, value, isRequired, onChange } = props;
  const schema = resolved(props.schema, contract);
  const input = inputOf(schema);
  const id = useId();
  if (input === "object") {
    const required = new Set(schema.required);
    return (
      <fieldset>
        <legend>{name}</legend>
        {Object.keys(schema.properties ?? {}).length === 0 && <span class="dim">It has no fields.</span>}
        {Object.entries(schema.properties ?? {}).map(([field, part]) => (
          <SchemaField
            key={field}
            name={field}
            schema={part}
            contract={contract}
            value={valueAt(value, field)}
            isRequired={required.has(field)}
            onChange={(next) => onChange(withField(value, field, next))}
          />
        ))}
      </fieldset>
    );
  }
  const Input = INPUTS[input];
  return (
    <div class="field">
      <label for={id}>
        {schema.title ?? name} {isRequired ? "" : <span class="dim">(may be left out)</span>}
      </label>
      <Input id={id} schema={schema} value={value} isRequired={isRequired} onChange={onChange} />
      {schema.description !== undefined && <span class="dim">{schema.description}</span>}
    </div>
  );
}

function valueAt(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, field)
    ? Reflect.get(value, field)
    : undefined;
}

type InputProps = Pick<FieldProps, "schema" | "value" | "isRequired" | "onChange"> & { id: string };

function TextInput({ id, schema, value, isRequired, onChange }: InputProps): JSX.Element {
  const text = typeof value === "string" ? value : "";
  // An empty text that must be there is a text; another is left out.
  const change = (next: string): void => onChange(next === "" && !isRequired ? undefined : next);
  const isHidden = schema.writeOnly === true || schema.secret === true || schema.format === "password";
  if ((schema.maxLength ?? 0) > 500 && !isHidden) {
    return (
      <textarea
        id={id}
        rows={3}
        value={text}
        required={isRequired && (schema.minLength ?? 0) > 0}
        onInput={(event) => change(event.currentTarget.value)}
      />
    );
  }
  return (
    <input
      id={id}
      {...(isHidden ? { type: "password" } : { type: "text" })}
      autocomplete="off"
      value={text}
      required={isRequired && (schema.minLength ?? 0) > 0}
      onInput={(event) => change(event.currentTarget.value)}
    />
  );
}

function NumberInput({ id, schema, value, isRequired, onChange }: InputProps): JSX.Element {
  return (
    <input
      id={id}
      type="number"
      step={schema.type === "integer" ? 1 : "any"}
      min={schema.minimum}
      max={schema.maximum}
      required={isRequired}
      value={typeof value === "number" ? value : ""}
      onInput={({ currentTarget }) => onChange(currentTarget.value === "" ? undefined : currentTarget.valueAsNumber)}
    />
  );
}

function BooleanInput({ id, value, isRequired, onChange }: InputProps): JSX.Element {
  const shown = value === undefined ? "" : String(value);
  return (
    <select
      id={id}
      value={shown}
      required={isRequired}
      onChange={({ currentTarget }) =>
        onChange(currentTarget.value === "" ? undefined : currentTarget.value === "true")
      }
    >
      <option value="">–</option>
      <option value="true">true</option>
      <option value="false">false</option>
    </select>
  );
}

function ChoiceInput({ id, schema, value, isRequired, onChange }: InputProps): JSX.Element {
  return (
    <select
      id={id}
      value={typeof value === "string" ? value : ""}
      required={isRequired}
      onChange={({ currentTarget }) => onChange(currentTarget.value === "" ? undefined : currentTarget.value)}
    >
      <option value="">–</option>
      {(schema.enum ?? []).map((one) => (
        <option key={String(one)} value={String(one)}>
          {JSON.stringify(one)}
        </option>
      ))}
    </select>
  );
}

/** Any value, as JSON: what is no JSON yet is kept as it was typed, and told. */
export function JsonInput({ id, value, onChange }: InputProps): JSX.Element {
  const [text, setText] = useState(value === undefined ? "" : writeExact(value));
  const [problem, setProblem] = useState<string>();
  const told = useId();
  const change = (next: string): void => {
    setText(next);
    try {
      onChange(next.trim() === "" ? undefined : JSON.parse(next));
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <textarea
        id={id}
        rows={Math.min(16, Math.max(3, text.split("\n").length))}
        spellcheck={false}
        value={text}
        aria-invalid={problem !== undefined}
        aria-describedby={told}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <span id={told} class="trouble-text" role="status">
        {problem === undefined ? "" : `This is no JSON: ${problem}`}
      </span>
    </>
  );
}

const INPUTS = {
  text: TextInput,
  number: NumberInput,
  boolean: BooleanInput,
  choice: ChoiceInput,
  json: JsonInput,
} as const;
