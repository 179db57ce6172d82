import {
  deleteStack,
  inProgress,
  type StackEvent,
  type StackResource,
  stack,
  stackEvents,
  stackResources,
  stacks,
} from "../aws/cloudformation";
import { Action } from "../parts/action";
import { Shown, useLoad } from "../parts/load";
import { type Column, Table } from "../parts/table";
import { Tabs, view } from "../parts/tabs";
import { Pairs, State, Time } from "../parts/words";
import { to } from "../router";

const VIEWS = ["Events", "Resources", "Outputs", "Parameters"];
const LIVE = 1500;
const CALM = 3000;

const RESOURCE: Column<StackResource>[] = [
  {
    title: "Resource",
    cell: (row) => (
      <>
        {row.logical} <small class="quiet">{row.type}</small>
      </>
    ),
  },
  { title: "State", cell: (row) => <State of={row.status} /> },
  { title: "Physical id", cell: (row) => <PhysicalId of={row} /> },
  { title: "Reason", cell: (row) => row.reason },
];

export function Stacks() {
  const found = useLoad(stacks, [], CALM);
  return (
    <>
      <h1>Stacks</h1>
      <Shown of={found}>
        {(rows) => (
          <Table
            rows={rows}
            id={(row) => row.id}
            columns={[
              { title: "Name", cell: (row) => <a href={to("stacks", row.name)}>{row.name}</a> },
              { title: "State", cell: (row) => <State of={row.status} /> },
              { title: "Changed", cell: (row) => <Time at={row.updated || row.created} /> },
              { title: "Description", cell: (row) => row.description },
            ]}
            empty={
              <>
                No stacks yet: <code>tule deploy examples/thumbnails</code>, or <code>sam deploy</code>.
              </>
            }
          />
        )}
      </Shown>
    </>
  );
}

export function StackPage({ name }: { name: string }) {
  const found = useLoad(() => stack(name), [name], LIVE);
  const seen = view(VIEWS);
  return (
    <>
      <p class="path">
        <a href={to("stacks")}>Stacks</a>
      </p>
      <h1>{name}</h1>
      <Shown of={found}>
        {(value) => (
          <>
            <p class="line">
              <State of={value.status} /> <span class="quiet">{value.reason || value.description}</span>
              <Action
                kind="danger"
                sure={`Delete the stack ${name} and all its resources?`}
                run={() => deleteStack(name)}
              >
                Delete
              </Action>
            </p>
            <Tabs names={VIEWS} />
            {seen === "Events" && <Events name={value.id} live={inProgress(value.status)} />}
            {seen === "Resources" && <Resources name={value.id} live={inProgress(value.status)} />}
            {seen === "Outputs" && (
              <Table
                rows={value.outputs}
                id={(row) => row.key}
                columns={[
                  { title: "Output", cell: (row) => row.key },
                  { title: "Value", cell: (row) => <code>{row.value}</code> },
                  { title: "Description", cell: (row) => row.description },
                  { title: "Exported as", cell: (row) => row.exported },
                ]}
                empty="This stack has no outputs."
              />
            )}
            {seen === "Parameters" && (
              <Pairs>
                {value.parameters.map((parameter) => [parameter.key, <code key="v">{parameter.value}</code>])}
              </Pairs>
            )}
          </>
        )}
      </Shown>
    </>
  );
}

function Events({ name, live }: { name: string; live: boolean }) {
  const found = useLoad(() => stackEvents(name), [name, live], live ? LIVE : CALM);
  const at: Column<StackEvent> = { title: "Time", cell: (row) => <Time at={row.at} /> };
  return (
    <Shown of={found}>
      {(rows) => <Table rows={rows} id={(row) => row.id} columns={[at, ...RESOURCE]} empty="No events." />}
    </Shown>
  );
}

function Resources({ name, live }: { name: string; live: boolean }) {
  const found = useLoad(() => stackResources(name), [name, live], live ? LIVE : CALM);
  return (
    <Shown of={found}>
      {(rows) => <Table rows={rows} id={(row) => row.logical} columns={RESOURCE} empty="No resources." />}
    </Shown>
  );
}

/** Leads to the thing itself where the console shows such things. */
function PhysicalId({ of: { type, physical } }: { of: StackResource }) {
  const rooms: Record<string, string[]> = {
    "AWS::Lambda::Function": ["functions"],
    "AWS::S3::Bucket": ["buckets"],
    "AWS::Logs::LogGroup": ["logs"],
    "AWS::IAM::Role": ["access", "role"],
    "AWS::IAM::User": ["access", "user"],
  };
  const room = rooms[type];
  if (type === "AWS::CloudFormation::Stack") return <small class="quiet">{physical.split("/").pop()}</small>;
  return room && physical ? <a href={to(...room, physical)}>{physical}</a> : <code>{physical}</code>;
}
