import { useState } from "preact/hooks";
import * as lambda from "../aws/lambda";
import { events, group } from "../aws/logs";
import { health } from "../node";
import { LiveEvents } from "../parts/events";
import { Fault, Shown, useLoad } from "../parts/load";
import { Table } from "../parts/table";
import { Tabs, view } from "../parts/tabs";
import { Pairs, pretty, State, size, Time } from "../parts/words";
import { to } from "../router";

const VIEWS = ["Test", "Configuration", "Log"];
const RECENT = 3_600_000;

export function Functions() {
  const found = useLoad(lambda.functions, [], 5000);
  return (
    <>
      <h1>Functions</h1>
      <Shown of={found}>
        {(rows) => (
          <Table
            rows={rows}
            id={(row) => row.FunctionArn}
            columns={[
              { title: "Name", cell: (row) => <a href={to("functions", row.FunctionName)}>{row.FunctionName}</a> },
              { title: "Runtime", cell: (row) => row.Runtime ?? row.PackageType },
              { title: "Memory", cell: (row) => `${row.MemorySize} MB`, number: true },
              { title: "Code", cell: (row) => size(row.CodeSize), number: true },
              { title: "Changed", cell: (row) => <Time at={row.LastModified} /> },
            ]}
            empty="No functions yet."
          />
        )}
      </Shown>
    </>
  );
}

export function FunctionPage({ name }: { name: string }) {
  const found = useLoad(() => lambda.configuration(name), [name], 5000);
  const seen = view(VIEWS);
  return (
    <>
      <p class="path">
        <a href={to("functions")}>Functions</a>
      </p>
      <h1>{name}</h1>
      <Shown of={found}>
        {(value) => (
          <>
            <p class="line">
              {value.State && <State of={value.State} />}
              <span class="quiet">
                {value.Runtime ?? value.PackageType} · {value.MemorySize} MB · {value.Timeout} s
                {value.StateReason ? ` · ${value.StateReason}` : ""}
              </span>
            </p>
            <Tabs names={VIEWS} />
            {seen === "Test" && <Invoke name={name} />}
            {seen === "Configuration" && <Configuration of={value} />}
            {seen === "Log" && <FunctionLog group={value.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`} />}
          </>
        )}
      </Shown>
    </>
  );
}

function Invoke({ name }: { name: string }) {
  const [payload, setPayload] = useState("{}");
  const [answer, setAnswer] = useState<lambda.Answer>();
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const run = () => {
    setBusy(true);
    setError(undefined);
    setAnswer(undefined);
    lambda
      .invoke(name, payload)
      .then(setAnswer, setError)
      .finally(() => setBusy(false));
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    run();
  };
  const keyed = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || busy) return;
    event.preventDefault();
    run();
  };
  return (
    <form class="invoke" onSubmit={submit}>
      <label>
        Payload
        <textarea
          name="payload"
          rows={8}
          spellcheck={false}
          value={payload}
          onInput={(event) => setPayload(event.currentTarget.value)}
          onKeyDown={keyed}
        />
      </label>
      <p class="line">
        <button type="submit" class="main" disabled={busy}>
          {busy ? "Running …" : "Invoke"}
        </button>
        <span class="quiet">Ctrl+Enter</span>
      </p>
      {error && <Fault error={error} />}
      {answer && <Answer of={answer} />}
    </form>
  );
}

function Answer({ of: answer }: { of: lambda.Answer }) {
  return (
    <section aria-live="polite" class="answer">
      <h2>
        {answer.failure ? (
          <span class="state bad">{answer.failure} error</span>
        ) : (
          <span class="state good">Answer</span>
        )}{" "}
        <span class="quiet">
          {Math.round(answer.milliseconds)} ms · version {answer.version}
        </span>
      </h2>
      <pre class="code">{pretty(answer.payload) || "(nothing)"}</pre>
      <h2>Log tail</h2>
      <pre class="code">{answer.logTail || "(nothing)"}</pre>
    </section>
  );
}

function Configuration({ of: value }: { of: lambda.FunctionConfiguration }) {
  const policy = useLoad(() => lambda.policy(value.FunctionName), [value.FunctionName]);
  const variables = Object.entries(value.Environment?.Variables ?? {});
  const role = value.Role.split("/").pop() ?? "";
  return (
    <>
      <Pairs>
        {[
          ["ARN", <code key="v">{value.FunctionArn}</code>],
          ["Description", value.Description],
          ["Handler", value.Handler && <code>{value.Handler}</code>],
          ["Architecture", value.Architectures?.join(", ")],
          [
            "Role",
            <a key="v" href={to("access", "role", role)}>
              {role}
            </a>,
          ],
          ["Code", size(value.CodeSize)],
          ["Temporary storage", value.EphemeralStorage && `${value.EphemeralStorage.Size} MB`],
          ["Layers", value.Layers?.map((layer) => layer.Arn).join(", ")],
          ["Dead letters to", value.DeadLetterConfig?.TargetArn],
          ["Last update", [value.LastUpdateStatus, value.LastUpdateStatusReason].filter(Boolean).join(": ")],
          ["Changed", <Time key="v" at={value.LastModified} />],
        ]}
      </Pairs>
      <h2>Environment</h2>
      <Table
        rows={variables}
        id={([key]) => key}
        columns={[
          { title: "Variable", cell: ([key]) => <code>{key}</code> },
          { title: "Value", cell: ([, text]) => <code>{text}</code> },
        ]}
        empty="No variables."
      />
      <h2>Who may invoke it</h2>
      <Shown of={policy}>
        {(text) => (text ? <pre class="code">{pretty(text)}</pre> : <p class="quiet empty">No resource policy.</p>)}
      </Shown>
    </>
  );
}

function FunctionLog({ group: name }: { group: string }) {
  const found = useLoad(async () => {
    const [one, { clock }] = await Promise.all([group(name), health()]);
    return { arn: one?.arn ?? "", before: one ? await events(name, "", "", clock.now_ms - RECENT, 200) : [] };
  }, [name]);
  return (
    <>
      <p class="line">
        <a href={to("logs", name)}>{name}</a> <span class="state under-way">live</span>
      </p>
      <Shown of={found}>
        {({ arn, before }) =>
          arn ? (
            <LiveEvents groupArn={arn} before={before} pattern="" />
          ) : (
            <p class="quiet empty">
              No log yet: it is made when the function first runs.{" "}
              <button type="button" onClick={found.reload}>
                Look again
              </button>
            </p>
          )
        }
      </Shown>
    </>
  );
}
