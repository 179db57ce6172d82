import { useState } from "preact/hooks";
import * as iam from "../aws/iam";
import * as node from "../node";
import { Fault, Shown, useLoad } from "../parts/load";
import { Table } from "../parts/table";
import { Tabs, view } from "../parts/tabs";
import { Pairs, Time } from "../parts/words";
import { search, to } from "../router";

const VIEWS = ["Roles", "Users", "Explain", "Denials"];

export function Access() {
  const seen = view(VIEWS);
  return (
    <>
      <h1>Access</h1>
      <Tabs names={VIEWS} />
      {seen === "Roles" && <Entities key="role" kind="role" />}
      {seen === "Users" && <Entities key="user" kind="user" />}
      {seen === "Explain" && <Explain />}
      {seen === "Denials" && <Denials />}
    </>
  );
}

function Entities({ kind }: { kind: iam.Kind }) {
  const found = useLoad(() => iam.entities(kind), [kind]);
  return (
    <Shown of={found}>
      {(rows) => (
        <Table
          rows={rows}
          id={(row) => row.arn}
          columns={[
            { title: "Name", cell: (row) => <a href={to("access", kind, row.name)}>{row.name}</a> },
            { title: "ARN", cell: (row) => <code>{row.arn}</code> },
            { title: "Created", cell: (row) => <Time at={row.created} /> },
          ]}
          empty={`No ${kind}s yet.`}
        />
      )}
    </Shown>
  );
}

export function EntityPage({ kind, name }: { kind: iam.Kind; name: string }) {
  const found = useLoad(() => iam.entity(kind, name), [kind, name]);
  const policies = useLoad(() => iam.policies(kind, name), [kind, name]);
  return (
    <>
      <p class="path">
        <a href={`${to("access")}?view=${kind === "role" ? "Roles" : "Users"}`}>
          {kind === "role" ? "Roles" : "Users"}
        </a>
      </p>
      <h1>{name}</h1>
      <Shown of={found}>
        {(value) => (
          <>
            <Pairs>
              {[
                ["ARN", <code key="v">{value.arn}</code>],
                ["Created", <Time key="v" at={value.created} />],
                [
                  "Ask",
                  <a key="v" href={`${to("access")}?view=Explain&principal=${encodeURIComponent(value.arn)}`}>
                    may it …?
                  </a>,
                ],
              ]}
            </Pairs>
            {value.trust && (
              <>
                <h2>Who may assume it</h2>
                <pre class="code">{value.trust}</pre>
              </>
            )}
          </>
        )}
      </Shown>
      <h2>Policies</h2>
      <Shown of={policies}>
        {(rows) => (
          <>
            {rows.length === 0 && <p class="quiet empty">None.</p>}
            {rows.map((policy) => (
              <details key={policy.arn || policy.name} open>
                <summary>
                  {policy.name} <span class="quiet">{policy.arn || "inline"}</span>
                </summary>
                <pre class="code">{policy.document}</pre>
              </details>
            ))}
          </>
        )}
      </Shown>
    </>
  );
}

function Explain() {
  const [answer, setAnswer] = useState<node.Explanation>();
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(fields.get(name) ?? "").trim();
    setError(undefined);
    setAnswer(undefined);
    node
      .explain({ principal: text("principal"), action: text("action"), resource: text("resource") })
      .then(setAnswer, setError);
  };
  return (
    <>
      <form class="explain" onSubmit={submit}>
        <label>
          Who: ARN of a role, user or session, or an account
          <input name="principal" required defaultValue={search.value.get("principal") ?? ""} spellcheck={false} />
        </label>
        <label>
          Does what: an action; empty asks what it has used so far
          <input name="action" placeholder="s3:GetObject" spellcheck={false} />
        </label>
        <label>
          With what: ARN of a resource
          <input name="resource" placeholder="arn:aws:s3:::bucket/key" spellcheck={false} />
        </label>
        <button type="submit" class="main">
          Ask
        </button>
      </form>
      {error && <Fault error={error} />}
      {answer && <Explained of={answer} />}
    </>
  );
}

function Explained({ of: answer }: { of: node.Explanation }) {
  if (answer.used) {
    return (
      <section aria-live="polite">
        <h2>Used so far</h2>
        <Table
          rows={answer.used}
          id={(row) => `${row.action} ${row.resource}`}
          columns={[
            { title: "Action", cell: (row) => <code>{row.action}</code> },
            { title: "Resource", cell: (row) => <code>{row.resource}</code> },
          ]}
          empty="Nothing."
        />
        <h2>The least policy that allows it</h2>
        <pre class="code">{JSON.stringify(answer.least, null, 2)}</pre>
      </section>
    );
  }
  return (
    <section aria-live="polite">
      <h2>
        <span class={`state ${answer.allowed ? "good" : "bad"}`}>{answer.allowed ? "Allowed" : "Denied"}</span>{" "}
        <span class="quiet">{answer.policy ? `by ${answer.statement} of ${answer.policy}` : ""}</span>
      </h2>
      <ul>
        {answer.reasons
          ?.filter((reason) => !reason.startsWith("missing in "))
          .map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
      </ul>
      {answer.missing && (
        <>
          <h2>The statement that is missing</h2>
          <pre class="code">{JSON.stringify(answer.missing, null, 2)}</pre>
        </>
      )}
    </section>
  );
}

function Denials() {
  const found = useLoad(node.latestDenials, [], 3000);
  return (
    <Shown of={found}>
      {(rows) => (
        <Table
          rows={rows}
          id={(row) => `${row.at_ms} ${row.principal} ${row.action} ${row.resource}`}
          columns={[
            { title: "Time", cell: (row) => <Time at={row.at_ms} /> },
            { title: "Who", cell: (row) => <code>{row.principal}</code> },
            { title: "Action", cell: (row) => <code>{row.action}</code> },
            { title: "Resource", cell: (row) => <code>{row.resource}</code> },
            { title: "Why", cell: (row) => row.reason },
          ]}
          empty="Nothing was denied since this node started."
        />
      )}
    </Shown>
  );
}
