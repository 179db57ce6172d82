// A button for something that takes a while and may fail.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Fault } from "./load";

interface ActionProps {
  run: () => Promise<unknown>;
  children: ComponentChildren;
  /** Asked before; for what cannot be undone. */
  sure?: string;
  label?: string;
  kind?: "plain" | "danger" | "main";
}

export function Action({ run, children, sure, label, kind = "plain" }: ActionProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const press = () => {
    if (sure && !confirm(sure)) return;
    setBusy(true);
    setError(undefined);
    run()
      .catch(setError)
      .finally(() => setBusy(false));
  };
  return (
    <>
      <button type="button" class={kind} disabled={busy} aria-label={label} onClick={press}>
        {children}
      </button>
      {error && <Fault error={error} />}
    </>
  );
}
