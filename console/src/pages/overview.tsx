import { stacks } from "../aws/cloudformation";
import { callerArn, entities } from "../aws/iam";
import { functions } from "../aws/lambda";
import { groups } from "../aws/logs";
import { buckets } from "../aws/s3";
import * as node from "../node";
import { Action } from "../parts/action";
import { type Loaded, Shown, useLoad } from "../parts/load";
import { clockText, Pairs } from "../parts/words";
import { to } from "../router";

const HOUR = 3_600_000;
const LEVELS: Record<number, string> = {
  1: "full isolation",
  2: "user namespaces",
  3: "Landlock, system call filter and limits",
  4: "plain processes: no isolation",
};
const FEATURES: Record<string, string> = {
  unique_uids: "own user id",
  inner_user: "inner user namespace",
  user: "user namespace",
  net: "network namespace",
  pid: "process namespace",
  mount: "mount namespace",
  ipc: "ipc namespace",
  uts: "host name namespace",
  seccomp: "system call filter",
  no_new_privs: "no new privileges",
  landlock: "Landlock",
  overlay: "overlay file system",
  pidfd: "process descriptors",
};

export function Overview() {
  const health = useLoad(node.health, [], 5000);
  const caller = useLoad(callerArn, []);
  return (
    <>
      <h1>Overview</h1>
      <Counts />
      <div class="cards">
        <section>
          <h2>Node</h2>
          <Shown of={health}>
            {(value) => (
              <Pairs>
                {[
                  ["Version", value.version],
                  ["Store", value.store],
                  ["Mode", value.strict ? "strict: only known keys" : "open: for development"],
                  ["Services", Object.keys(value.services).join(", ")],
                  ["You are", caller.value ?? caller.error?.message ?? "…"],
                ]}
              </Pairs>
            )}
          </Shown>
        </section>
        <ClockCard />
        <DoctorCards />
      </div>
    </>
  );
}

function Counts() {
  const counts: [string, string, Loaded<unknown[]>][] = [
    ["stacks", "Stacks", useLoad(stacks, [])],
    ["functions", "Functions", useLoad(functions, [])],
    ["buckets", "Buckets", useLoad(buckets, [])],
    ["logs", "Log groups", useLoad(groups, [])],
    ["access", "Roles", useLoad(() => entities("role"), [])],
  ];
  return (
    <ul class="counts">
      {counts.map(([room, title, found]) => (
        <li key={room}>
          <a href={to(room)} title={found.error?.message}>
            <strong>{found.value?.length ?? (found.error ? "!" : "…")}</strong> {title}
          </a>
        </li>
      ))}
    </ul>
  );
}

function ClockCard() {
  const clock = useLoad(node.clock, [], 1000);
  const turn = (how: node.Turn) => async () => {
    await node.turnClock(how);
    clock.reload();
  };
  return (
    <section>
      <h2>Clock</h2>
      <Shown of={clock}>
        {({ mode, now_ms, speed }) => (
          <>
            <p class="now">{clockText(new Date(now_ms))}</p>
            <p class="quiet">
              {mode}
              {speed !== 1 && speed !== 0 ? `, ${speed} times as fast` : ""}
            </p>
          </>
        )}
      </Shown>
      <div class="buttons">
        <Action run={turn({ do: "freeze" })}>Freeze</Action>
        <Action run={turn({ do: "advance", by_ms: 60_000 })}>+1 minute</Action>
        <Action run={turn({ do: "advance", by_ms: HOUR })}>+1 hour</Action>
        <Action run={turn({ do: "advance", by_ms: 24 * HOUR })}>+1 day</Action>
        <Action run={turn({ do: "real" })}>Real time</Action>
      </div>
    </section>
  );
}

function DoctorCards() {
  const doctor = useLoad(node.doctor, []);
  return (
    <Shown of={doctor}>
      {({ sandbox, runtimes, instances }) => (
        <>
          <section>
            <h2>Sandbox</h2>
            <p>
              <span class={`state ${sandbox.level >= 4 ? "bad" : "good"}`}>level {sandbox.level}</span>{" "}
              {LEVELS[sandbox.level]}
            </p>
            <ul class="features">
              {Object.entries(sandbox.features)
                .filter(([, has]) => has === true)
                .map(([name]) => (
                  <li key={name}>{FEATURES[name] ?? name}</li>
                ))}
            </ul>
            {Object.entries(sandbox.missing).map(([name, reason]) => (
              <p key={name} class="quiet">
                Without {FEATURES[name] ?? name}: {reason}
              </p>
            ))}
            <p class="quiet">
              {instances.all} {instances.all === 1 ? "instance" : "instances"}, {instances.idle} idle,{" "}
              {instances.parked} parked
            </p>
          </section>
          <section>
            <h2>Runtimes on this host</h2>
            <ul class="features">
              {Object.entries(runtimes)
                .sort(([x], [y]) => x.localeCompare(y, "en", { numeric: true }))
                .map(([name, where]) => (
                  <li key={name} title={where}>
                    {name}
                  </li>
                ))}
            </ul>
            <p class="quiet">A function of another version runs on the nearest; its state says so.</p>
          </section>
        </>
      )}
    </Shown>
  );
}
