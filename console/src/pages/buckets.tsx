import { useState } from "preact/hooks";
import * as s3 from "../aws/s3";
import { Action } from "../parts/action";
import { Fault, Shown, useLoad } from "../parts/load";
import { Table } from "../parts/table";
import { size, Time } from "../parts/words";
import { go, search, to } from "../router";

type Row = { prefix: string } | s3.StoredObject;

export function Buckets() {
  const found = useLoad(s3.buckets, [], 5000);
  const [name, setName] = useState("");
  return (
    <>
      <h1>Buckets</h1>
      <Shown of={found}>
        {(rows) => (
          <Table
            rows={rows}
            id={(row) => row.name}
            columns={[
              { title: "Name", cell: (row) => <a href={to("buckets", row.name)}>{row.name}</a> },
              { title: "Created", cell: (row) => <Time at={row.created} /> },
            ]}
            empty="No buckets yet."
          />
        )}
      </Shown>
      <div class="line">
        <label>
          New bucket
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} spellcheck={false} />
        </label>
        <Action run={() => s3.createBucket(name).then(() => go(to("buckets", name)))}>Create</Action>
      </div>
    </>
  );
}

export function BucketPage({ name }: { name: string }) {
  const prefix = search.value.get("prefix") ?? "";
  const [after, setAfter] = useState("");
  const found = useLoad(() => s3.list(name, prefix, after), [name, prefix, after]);
  return (
    <>
      <p class="path">
        <a href={to("buckets")}>Buckets</a>
      </p>
      <h1>{name}</h1>
      <Crumbs name={name} prefix={prefix} />
      <Upload name={name} prefix={prefix} done={found.reload} />
      <Shown of={found}>
        {(listing) => (
          <>
            <Objects name={name} prefix={prefix} listing={listing} changed={found.reload} />
            <p class="line">
              {after && (
                <button type="button" onClick={() => setAfter("")}>
                  First page
                </button>
              )}
              {listing.next && (
                <button type="button" onClick={() => setAfter(listing.next)}>
                  Next page
                </button>
              )}
            </p>
          </>
        )}
      </Shown>
      <Action
        kind="danger"
        sure={`Delete the bucket ${name}? It must be empty.`}
        run={() => s3.deleteBucket(name).then(() => go(to("buckets")))}
      >
        Delete bucket
      </Action>
    </>
  );
}

function Crumbs({ name, prefix }: { name: string; prefix: string }) {
  const parts = prefix.split("/").slice(0, -1);
  return (
    <nav class="crumbs" aria-label="Prefix">
      <a href={to("buckets", name)}>{name}</a>
      {parts.map((part, i) => {
        const until = `${parts.slice(0, i + 1).join("/")}/`;
        return (
          <span key={until}>
            {" / "}
            <a href={under(name, until)}>{part || "(empty)"}</a>
          </span>
        );
      })}
    </nav>
  );
}

function Upload({ name, prefix, done }: { name: string; prefix: string; done: () => void }) {
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState("");
  const put = async (files: Iterable<File>) => {
    setError(undefined);
    for (const file of files) {
      setBusy(file.name);
      await s3.upload(name, prefix + file.name, file);
    }
  };
  const start = (files: FileList | null | undefined) => {
    put(files ?? [])
      .catch(setError)
      .finally(() => {
        setBusy("");
        done();
      });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    start(event.dataTransfer?.files);
  };
  return (
    <div class="upload">
      <label onDragOver={(event) => event.preventDefault()} onDrop={drop}>
        {busy ? `Uploading ${busy} …` : "Upload: choose files, or drop them here"}
        <input type="file" multiple onChange={(event) => start(event.currentTarget.files)} />
      </label>
      {error && <Fault error={error} />}
    </div>
  );
}

interface ObjectsProps {
  name: string;
  prefix: string;
  listing: s3.Listing;
  changed: () => void;
}

function Objects({ name, prefix, listing, changed }: ObjectsProps) {
  const rows: Row[] = [...listing.prefixes.map((found) => ({ prefix: found })), ...listing.objects];
  const download = async (key: string) => {
    const link = document.createElement("a");
    link.href = await s3.downloadUrl(name, key);
    link.click();
  };
  return (
    <Table
      rows={rows}
      id={(row) => ("prefix" in row ? `/${row.prefix}` : row.key)}
      columns={[
        {
          title: "Name",
          cell: (row) =>
            "prefix" in row ? (
              <a href={under(name, row.prefix)}>{row.prefix.slice(prefix.length)}</a>
            ) : (
              row.key.slice(prefix.length)
            ),
        },
        { title: "Size", cell: (row) => ("prefix" in row ? "" : size(row.size)), number: true },
        { title: "Changed", cell: (row) => ("prefix" in row ? "" : <Time at={row.modified} />) },
        {
          title: "",
          cell: (row) =>
            "prefix" in row ? (
              ""
            ) : (
              <span class="buttons">
                <Action label={`Download ${row.key}`} run={() => download(row.key)}>
                  Download
                </Action>
                <Action
                  label={`Delete ${row.key}`}
                  kind="danger"
                  sure={`Delete ${row.key}?`}
                  run={() => s3.remove(name, row.key).then(changed)}
                >
                  Delete
                </Action>
              </span>
            ),
        },
      ]}
      empty="Nothing here."
    />
  );
}

function under(name: string, prefix: string): string {
  return `${to("buckets", name)}?prefix=${encodeURIComponent(prefix)}`;
}
