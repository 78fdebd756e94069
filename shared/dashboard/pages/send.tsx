import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api.ts";
import { serviceNow } from "../clock.ts";
import { may } from "../frame.tsx";
import { asOf } from "../live.ts";
import { pathOf } from "../path.ts";
import { goTo, linkTo, route } from "../route.ts";
import { type Contract, emptyValue } from "../schema.ts";
import { JsonInput, SchemaField } from "../schema-form.tsx";
import { Empty, Loading, Trouble } from "../ui.tsx";
import { UploadForm } from "./upload.tsx";

const PAYLOAD = "payload_";

/** A form for each task, made from its schema, and one for files. */
export function SendPage(): JSX.Element {
  const [contract, setContract] = useState<Contract>();
  const [error, setError] = useState<Error>();
  const { task } = route.value.query;

  useEffect(() => {
    call<Contract>("openapi.json").then((answer) => {
      asOf.value = serviceNow();
      setContract(answer);
    }, setError);
  }, []);
  if (contract === undefined) return error ? <Trouble error={error} /> : <Loading />;
  const tasks = Object.keys(contract.components.schemas)
    .filter((name) => name.startsWith(PAYLOAD))
    .map((name) => name.slice(PAYLOAD.length));
  const chosen = tasks.find((name) => name === task) ?? tasks[0];
  if (!may("submit")) return <Empty>Your key may read, and not send.</Empty>;
  return (
    <>
      <h1>Send</h1>
      {chosen === undefined ? (
        <Empty>No task is registered.</Empty>
      ) : (
        <>
          <label class="field">
            Task
            <select
              value={chosen}
              onChange={({ currentTarget }) => goTo(linkTo(["send"], { task: currentTarget.value }), true)}
            >
              {tasks.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <SendForm key={chosen} task={chosen} contract={contract} />
        </>
      )}
      <h2>Upload files</h2>
      <UploadForm />
    </>
  );
}

function SendForm({ task, contract }: { task: string; contract: Contract }): JSX.Element {
  const schema = contract.components.schemas[PAYLOAD + task] ?? {};
  const [payload, setPayload] = useState<unknown>(() => emptyValue(schema, contract));
  const [options, setOptions] = useState<unknown>();
  const [state, setState] = useState<"idle" | "asked">("idle");
  const [error, setError] = useState<Error>();
  const [sent, setSent] = useState<string>();

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (state === "asked") return;
    setState("asked");
    setError(undefined);
    try {
      const body = { ...(payload !== undefined && { payload }), ...(options !== undefined && { options }) };
      const { id } = await call<{ id: string }>(pathOf(["tasks", task]), { method: "POST", body });
      setSent(id);
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      setState("idle");
    }
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <SchemaField
        name="Payload"
        schema={schema}
        contract={contract}
        value={payload}
        isRequired
        onChange={setPayload}
      />
      <details>
        <summary>Options</summary>
        <div class="field">
          <label for="options">As JSON, such as {'{ "countdown": 60, "tags": ["customer-7"] }'}</label>
          <JsonInput id="options" schema={{}} value={options} isRequired={false} onChange={setOptions} />
        </div>
      </details>
      <Trouble error={error} />
      <div class="acts">
        <button type="submit" class="main" disabled={state === "asked"}>
          {state === "asked" ? "Asked …" : `Send ${task}`}
        </button>
        {sent !== undefined && (
          <span role="status">
            Sent: <a href={linkTo(["tasks", sent])}>{sent}</a>
          </span>
        )}
      </div>
    </form>
  );
}
