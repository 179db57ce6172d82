// Asking for something and showing it once it is there.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { identity } from "../credentials";

export interface Loaded<T> {
  value?: T;
  error?: Error;
  busy: boolean;
  reload: () => void;
}

/** `ask` runs when `keys` or the identity change, and again every `every` milliseconds while the page is seen; 0 is once. */
export function useLoad<T>(ask: () => Promise<T>, keys: unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ value?: T; error?: Error; busy: boolean }>({ busy: true });
  const turn = useRef(0);
  const who = identity.value;
  const load = useCallback(() => {
    turn.current += 1;
    const mine = turn.current;
    const settle = (next: { value?: T; error?: Error }) => {
      if (mine === turn.current) setState((was) => ({ value: was.value, ...next, busy: false }));
    };
    ask().then(
      (value) => settle({ value, error: undefined }),
      (error) => settle({ error }),
    );
    // The keys say what `ask` depends on.
  }, [who, ...keys]);
  useEffect(() => {
    setState({ busy: true });
    load();
    return () => {
      turn.current += 1;
    };
  }, [load]);
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => document.visibilityState === "visible" && load(), every);
    return () => clearInterval(timer);
  }, [every, load]);
  return { ...state, reload: load };
}

export function Shown<T>({ of, children }: { of: Loaded<T>; children: (value: T) => ComponentChildren }) {
  return (
    <>
      {of.error && <Fault error={of.error} />}
      {of.value !== undefined
        ? children(of.value)
        : of.busy && (
            <p class="quiet" aria-busy="true">
              Loading …
            </p>
          )}
    </>
  );
}

export function Fault({ error }: { error: Error }) {
  return (
    <p class="fault" role="alert">
      <strong>{error.name}</strong> {error.message}
    </p>
  );
}
