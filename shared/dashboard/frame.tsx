/** The frame around every page: the way to each other page, the state of the connection, and the settings of the viewer. */

import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, key, keyWanted, useKey } from "./api.ts";
import { distance, isUtc, showUtc, zoneName } from "./format.ts";
import { Help } from "./help.tsx";
import { asOf, isPaused, trouble } from "./live.ts";
import { goTo, linkTo, route } from "./route.ts";
import { now } from "./ui.tsx";

/** Pages by the first part of their address, in the order of the bar; the key that leads there after `g`. */
const PAGES = [
  { name: "", title: "Overview", letter: "o" },
  { name: "tasks", title: "Tasks", letter: "t" },
  { name: "failures", title: "Failures", letter: "f" },
  { name: "workflows", title: "Workflows", letter: "w" },
  { name: "queues", title: "Queues", letter: "q" },
  { name: "schedules", title: "Schedules", letter: "s" },
  { name: "send", title: "Send", letter: "n" },
  { name: "activity", title: "Activity", letter: "a" },
] as const;

const KEPT_THEME = "lovage-theme";
const theme = signal(localStorage.getItem(KEPT_THEME) ?? "auto");

function showTheme(chosen: string): void {
  theme.value = chosen;
  localStorage.setItem(KEPT_THEME, chosen);
}

/** The caller's key, as the service knows it. */
const caller = signal<Caller | undefined>(undefined);

interface Caller {
  name: string;
  role: string;
  readOnly?: boolean;
  /** Of the deployed code, where the deployment names it. */
  version?: string;
}

/** Whether the key may do what an operator, or a sender, does; the service refuses all the same. */
export function may(role: "submit" | "operate"): boolean {
  const { role: has = "operate", readOnly = false } = caller.value ?? {};
  return !readOnly && (has === "operate" || has === role);
}

async function readCaller(): Promise<void> {
  try {
    caller.value = await call("key");
  } catch {
    // A refusal of the key is shown by the dialog that asks for one.
    caller.value = undefined;
  }
}

export function Frame({ children }: { children: ComponentChildren }): JSX.Element {
  const { path } = route.value;
  const [here = ""] = path;
  const usedKey = key.value;

  useEffect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  useEffect(() => void readCaller(), [usedKey]);
  useEffect(() => {
    const title = PAGES.find(({ name }) => name === here)?.title ?? "Lovage";
    document.title = [path[1], title, "Lovage"].filter(Boolean).join(" · ");
  }, [here, path]);
  useShortcuts();

  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the page
      </button>
      <header class="bar">
        <a class="brand" href={linkTo([])}>
          Lovage
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ name, title }) => (
            <a key={name} href={linkTo(name === "" ? [] : [name])} aria-current={name === here ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <Status />
      </header>
      <NewVersion />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {keyWanted.value !== undefined && <KeyDialog reason={keyWanted.value} />}
    </>
  );
}

function Status(): JSX.Element {
  const seen = asOf.value === undefined ? "not yet" : distance(asOf.value, now.value);
  const { name, role, readOnly, version } = caller.value ?? {};
  return (
    <div class="status">
      <span role="status" class={trouble.value === undefined ? "dim" : "lost"}>
        {trouble.value ?? `as of ${seen}`}
      </span>
      <button
        type="button"
        class="quiet"
        aria-pressed={isPaused.value}
        onClick={() => (isPaused.value = !isPaused.value)}
      >
        {isPaused.value ? "Paused" : "Live"}
      </button>
      <button type="button" class="quiet" title="The zone of all times" onClick={() => showUtc(!isUtc.value)}>
        {zoneName(isUtc.value)}
      </button>
      <label class="quiet">
        <span class="hidden">Theme</span>
        <select value={theme.value} onChange={(event) => showTheme(event.currentTarget.value)}>
          <option value="auto">Auto</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      {name !== undefined && (
        <span class="dim" title="Name and role of the key">
          {name} ({readOnly ? "read only" : role})
        </span>
      )}
      {version !== undefined && (
        <span class="dim" title="Version of the deployed code">
          <bdi>{version}</bdi>
        </span>
      )}
      <Help pages={PAGES} />
      {key.value !== "" && (
        <button type="button" class="quiet" onClick={() => useKey("")}>
          Forget key
        </button>
      )}
    </div>
  );
}

function KeyDialog({ reason }: { reason: string }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [given, setGiven] = useState("");
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (given.trim() !== "") useKey(given.trim());
  };
  return (
    <dialog ref={dialog} aria-label="API key" onCancel={(event) => event.preventDefault()}>
      <form onSubmit={submit}>
        <h2>API key</h2>
        <p>{reason}</p>
        <label>
          Key
          <input
            type="password"
            autocomplete="off"
            value={given}
            onInput={(event) => setGiven(event.currentTarget.value)}
          />
        </label>
        <p class="dim">It is kept for this tab alone, and forgotten when the tab is closed.</p>
        <div class="acts">
          <button type="submit" class="main">
            Use it
          </button>
        </div>
      </form>
    </dialog>
  );
}

const VERSION_SECONDS = 60;
const ownScript = document.querySelector<HTMLScriptElement>("script[src*=dashboard-]")?.getAttribute("src");

/** Tells that the service has been deployed anew while the page was open. */
function NewVersion(): JSX.Element | null {
  const [isOld, setOld] = useState(false);
  useEffect(() => {
    const look = async (): Promise<void> => {
      if (document.hidden || isPaused.peek()) return;
      const { version } = caller.peek() ?? {};
      if (version !== undefined && (await call<Caller>("key")).version !== version) return setOld(true);
      const page = await fetch(location.pathname, { headers: { Accept: "text/html" }, cache: "no-store" });
      const text = await page.text();
      if (page.ok && ownScript && text.includes("<div id=") && !text.includes(ownScript)) setOld(true);
    };
    // A service that does not answer is told by the pages' own questions.
    const timer = setInterval(() => void look().catch(() => {}), VERSION_SECONDS * 1000);
    return () => clearInterval(timer);
  }, []);
  if (!isOld) return null;
  return (
    <p class="banner" role="status">
      The service was deployed anew.{" "}
      <button type="button" onClick={() => location.reload()}>
        Load the new page
      </button>
    </p>
  );
}

/** `g` and a letter lead to a page, `/` to the search, `?` to the help. */
function useShortcuts(): void {
  useEffect(() => {
    let waits = false;
    const press = (event: KeyboardEvent): void => {
      const typing =
        event.target instanceof Element && event.target.closest("input, textarea, select, dialog") !== null;
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      const page = waits ? PAGES.find(({ letter }) => letter === event.key) : undefined;
      waits = event.key === "g";
      if (page) goTo(linkTo(page.name === "" ? [] : [page.name]));
      if (event.key === "?") document.querySelector<HTMLButtonElement>("button.help")?.click();
      const search = event.key === "/" ? document.querySelector<HTMLInputElement>("input[type=search]") : null;
      if (!search) return;
      event.preventDefault();
      search.focus();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
