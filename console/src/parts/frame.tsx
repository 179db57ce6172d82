// What surrounds every page: the way around, and who one is.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { become, identity } from "../credentials";
import { place, to } from "../router";

const ROOMS: [string, string][] = [
  ["", "Overview"],
  ["stacks", "Stacks"],
  ["functions", "Functions"],
  ["buckets", "Buckets"],
  ["logs", "Logs"],
  ["access", "Access"],
];

export function Frame({ children }: { children: ComponentChildren }) {
  const room = place.value[0] ?? "";
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <a class="brand" href={to()}>
          <img src="/_console/tule.svg" alt="" width="28" height="28" /> Tule
        </a>
        <nav aria-label="Rooms">
          {ROOMS.map(([name, title]) => (
            <a key={name} href={to(...(name ? [name] : []))} aria-current={room === name ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <IdentityForm />
      </header>
      <main id="main" tabIndex={-1}>
        {crypto.subtle ? children : <Insecure />}
      </main>
    </>
  );
}

function Insecure() {
  return (
    <p class="fault" role="alert">
      A browser signs requests only on https:// or on this machine. Open the console by http://127.0.0.1 or
      http://localhost, or give the node a certificate.
    </p>
  );
}

function IdentityForm() {
  const who = identity.value;
  const [open, setOpen] = useState(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(fields.get(name) ?? "").trim();
    become({
      key: text("key"),
      secret: text("secret"),
      token: text("token"),
      region: text("region"),
      adminToken: text("adminToken"),
    });
    setOpen(false);
  };
  return (
    <details class="identity" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span>{who.key}</span> · <span>{who.region}</span>
      </summary>
      <form onSubmit={submit}>
        <Field name="key" title="Access key, or a 12-digit account" value={who.key} />
        <Field name="secret" title="Secret key" value={who.secret} secret />
        <Field name="token" title="Session token, if any" value={who.token} secret />
        <Field name="region" title="Region" value={who.region} />
        <Field name="adminToken" title="Admin token, in strict mode" value={who.adminToken} secret />
        <button type="submit" class="main">
          Use these
        </button>
        <p class="quiet">Kept until this tab closes.</p>
      </form>
    </details>
  );
}

function Field({ name, title, value, secret }: { name: string; title: string; value: string; secret?: boolean }) {
  return (
    <label>
      {title}
      <input
        name={name}
        defaultValue={value}
        type={secret ? "password" : "text"}
        autoComplete="off"
        spellcheck={false}
      />
    </label>
  );
}
