import { useState } from "preact/hooks";
import * as logs from "../aws/logs";
import { health } from "../node";
import { Events, LiveEvents } from "../parts/events";
import { Shown, useLoad } from "../parts/load";
import { Table } from "../parts/table";
import { size, Time } from "../parts/words";
import { go, search, to } from "../router";

const DAY = 86_400_000;
const SHOWN = 500;

export function LogGroups() {
  const found = useLoad(logs.groups, [], 5000);
  return (
    <>
      <h1>Log groups</h1>
      <Shown of={found}>
        {(rows) => (
          <Table
            rows={rows}
            id={(row) => row.logGroupName}
            columns={[
              { title: "Name", cell: (row) => <a href={to("logs", row.logGroupName)}>{row.logGroupName}</a> },
              { title: "Kept", cell: (row) => (row.retentionInDays ? `${row.retentionInDays} days` : "for ever") },
              { title: "Stored", cell: (row) => size(row.storedBytes ?? 0), number: true },
              { title: "Created", cell: (row) => <Time at={row.creationTime} /> },
            ]}
            empty="No log groups yet."
          />
        )}
      </Shown>
    </>
  );
}

export function LogGroupPage({ name }: { name: string }) {
  const stream = search.value.get("stream") ?? "";
  const pattern = search.value.get("pattern") ?? "";
  const live = search.value.get("live") === "1";
  return (
    <>
      <p class="path">
        <a href={to("logs")}>Log groups</a>
      </p>
      <h1>{name}</h1>
      <Filter name={name} stream={stream} pattern={pattern} live={live} />
      {stream && !live && (
        <p class="quiet">
          Only {stream} · <a href={seen(name, "", pattern, false)}>all streams</a>
        </p>
      )}
      {live ? <Live name={name} pattern={pattern} /> : <Stored name={name} stream={stream} pattern={pattern} />}
      <h2>Streams</h2>
      <Streams name={name} pattern={pattern} />
    </>
  );
}

function Filter({ name, stream, pattern, live }: { name: string; stream: string; pattern: string; live: boolean }) {
  const [text, setText] = useState(pattern);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    go(seen(name, stream, text, live));
  };
  return (
    <form class="line" onSubmit={submit}>
      <label class="wide">
        Filter pattern
        <input
          value={text}
          placeholder='ERROR, "two words", { $.level = "warn" }'
          spellcheck={false}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Search</button>
      <button type="button" aria-pressed={live} onClick={() => go(seen(name, "", text, !live))}>
        {live ? "Stop" : "Live"}
      </button>
    </form>
  );
}

function Stored({ name, stream, pattern }: { name: string; stream: string; pattern: string }) {
  const found = useLoad(async () => {
    if (stream && !pattern) return logs.lastEvents(name, stream, SHOWN);
    const since = stream ? 0 : (await health()).clock.now_ms - DAY;
    return logs.events(name, stream, pattern, since, SHOWN);
  }, [name, stream, pattern]);
  return (
    <Shown of={found}>
      {(events) => (
        <Events events={events} empty={stream ? "No such events." : "No such events in the last 24 hours."} />
      )}
    </Shown>
  );
}

function Live({ name, pattern }: { name: string; pattern: string }) {
  const found = useLoad(() => logs.group(name), [name]);
  return (
    <Shown of={found}>
      {(group) => (group ? <LiveEvents groupArn={group.arn} before={[]} pattern={pattern} /> : <p>No such group.</p>)}
    </Shown>
  );
}

function Streams({ name, pattern }: { name: string; pattern: string }) {
  const found = useLoad(() => logs.streams(name), [name], 5000);
  return (
    <Shown of={found}>
      {(rows) => (
        <Table
          rows={rows}
          id={(row) => row.logStreamName}
          columns={[
            {
              title: "Stream",
              cell: (row) => <a href={seen(name, row.logStreamName, pattern, false)}>{row.logStreamName}</a>,
            },
            { title: "Last event", cell: (row) => <Time at={row.lastEventTimestamp ?? 0} /> },
          ]}
          empty="No streams."
        />
      )}
    </Shown>
  );
}

function seen(name: string, stream: string, pattern: string, live: boolean): string {
  const query = new URLSearchParams();
  if (stream) query.set("stream", stream);
  if (pattern) query.set("pattern", pattern);
  if (live) query.set("live", "1");
  return `${to("logs", name)}?${query}`;
}
