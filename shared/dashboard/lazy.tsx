/** Pages whose code is loaded when they are asked for. */

import { signal } from "@preact/signals";
import { type ComponentType, createElement, type JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Loading } from "./ui.tsx";

interface Lazy<Props extends object> {
  Page: ComponentType<Props>;
  /** Loads it, unless it is there or under way. */
  load: () => void;
}

export function lazy<Props extends object = object>(load: () => Promise<ComponentType<Props>>): Lazy<Props> {
  const loaded = signal<{ page: ComponentType<Props> } | undefined>(undefined);
  const isLost = signal(false);
  let isAsked = false;
  const ask = (): void => {
    if (isAsked) return;
    isAsked = true;
    load().then(
      (page) => {
        loaded.value = { page };
      },
      () => {
        isLost.value = true;
      },
    );
  };

  function Page(props: Props): JSX.Element {
    useEffect(ask, []);
    if (loaded.value) return createElement(loaded.value.page, props);
    return isLost.value ? <Lost /> : <Loading />;
  }
  return { Page, load: ask };
}

/** A browser asks for a part of the page only once. */
function Lost(): JSX.Element {
  return (
    <p class="trouble" role="alert">
      This part of the page could not be loaded: the service does not answer, or was deployed anew.{" "}
      <button type="button" onClick={() => location.reload()}>
        Load the page again
      </button>
    </p>
  );
}
