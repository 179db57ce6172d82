// Log events, stored ones or as they arrive.
import { useEffect, useRef, useState } from "preact/hooks";
import { type LogEvent, tail } from "../aws/logs";
import { Fault } from "./load";
import { clockText } from "./words";

const KEPT = 1000;

export function Events({ events, empty }: { events: LogEvent[]; empty: string }) {
  if (events.length === 0) return <p class="quiet empty">{empty}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
    <div class="events" role="log" tabIndex={0} aria-label="Log events">
      {events.map((event, i) => (
        <div key={event.eventId ?? i} class={kindOf(event.message)}>
          <time dateTime={new Date(event.timestamp).toISOString()}>
            {clockText(new Date(event.timestamp)).slice(11)}
          </time>
          <pre>{event.message.trimEnd()}</pre>
        </div>
      ))}
    </div>
  );
}

/** The log as it arrives, below what was there already; follows its end unless the reader scrolls up. */
export function LiveEvents({ groupArn, before, pattern }: { groupArn: string; before: LogEvent[]; pattern: string }) {
  const [heard, setHeard] = useState<LogEvent[]>([]);
  const [error, setError] = useState<Error>();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const abort = new AbortController();
    setHeard([]);
    setError(undefined);
    const add = (events: LogEvent[]) => setHeard((was) => [...was, ...events].slice(-KEPT));
    tail(groupArn, pattern, abort.signal, add).catch((fault) => abort.signal.aborted || setError(fault));
    return () => abort.abort();
  }, [groupArn, pattern]);
  // A new event moves the end.
  useEffect(() => {
    const log = box.current?.querySelector(".events");
    if (log && log.scrollHeight - log.scrollTop - log.clientHeight < 200) log.scrollTop = log.scrollHeight;
  }, [heard, before]);
  return (
    <div ref={box}>
      {error && <Fault error={error} />}
      <Events
        events={[...before, ...heard].slice(-KEPT)}
        empty="Nothing yet. What is logged from now on appears here."
      />
    </div>
  );
}

function kindOf(message: string): string {
  if (/^(START|END|REPORT|INIT_START|INIT_REPORT) /.test(message)) return "platform";
  return /\b(ERROR|Error|Exception|Traceback|Task timed out)\b/.test(message) ? "error" : "";
}
