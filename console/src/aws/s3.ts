// Buckets and objects. AWS: S3 API reference. Paths are path-style.
import { identity } from "../credentials";
import { scopeOf, send } from "./client";
import { encode, presignedQuery } from "./signer";
import { type Element, parseXml } from "./xml";

export interface Bucket {
  name: string;
  created: string;
}

export interface StoredObject {
  key: string;
  size: number;
  modified: string;
}

export interface Listing {
  prefixes: string[];
  objects: StoredObject[];
  next: string;
}

const DOWNLOAD_SECONDS = 300;

export async function buckets(): Promise<Bucket[]> {
  const root = await xml("GET", "/");
  return root.all("Buckets/Bucket").map((b) => ({ name: b.at("Name"), created: b.at("CreationDate") }));
}

export async function createBucket(name: string): Promise<void> {
  const { region } = identity.value;
  const body = `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
  await send({
    service: "s3",
    method: "PUT",
    path: `/${encode(name)}`,
    ...(region === "us-east-1" ? {} : { body }),
  });
}

export async function deleteBucket(name: string): Promise<void> {
  await send({ service: "s3", method: "DELETE", path: `/${encode(name)}` });
}

/** One page of what stands directly under `prefix`. */
export async function list(bucket: string, prefix: string, after: string): Promise<Listing> {
  const pairs: [string, string][] = [
    ["list-type", "2"],
    ["delimiter", "/"],
    ["encoding-type", "url"],
    ["max-keys", "200"],
    ["prefix", prefix],
  ];
  if (after) pairs.push(["continuation-token", after]);
  const root = await xml("GET", `/${encode(bucket)}`, pairs);
  return {
    prefixes: root.all("CommonPrefixes").map((p) => decoded(p.at("Prefix"))),
    objects: root.all("Contents").map((o) => ({
      key: decoded(o.at("Key")),
      size: Number(o.at("Size")),
      modified: o.at("LastModified"),
    })),
    next: root.at("NextContinuationToken"),
  };
}

export async function upload(bucket: string, key: string, file: File): Promise<void> {
  const headers = file.type ? { "content-type": file.type } : undefined;
  await send({ service: "s3", method: "PUT", path: objectPath(bucket, key), headers, body: file });
}

export async function remove(bucket: string, key: string): Promise<void> {
  await send({ service: "s3", method: "DELETE", path: objectPath(bucket, key) });
}

/** A pre-signed URL that a browser saves as a file: it streams, and what is in the object never runs as a page of the console. */
export async function downloadUrl(bucket: string, key: string): Promise<string> {
  const name = key.split("/").pop() || "object";
  const path = objectPath(bucket, key);
  const disposition = `attachment; filename*=UTF-8''${encode(name)}`;
  const query = await presignedQuery(
    {
      method: "GET",
      host: location.host,
      path,
      query: [["response-content-disposition", disposition]],
      headers: {},
      bodyHash: "UNSIGNED-PAYLOAD",
    },
    identity.value,
    scopeOf("s3"),
    DOWNLOAD_SECONDS,
  );
  return `${path}?${query}`;
}

function objectPath(bucket: string, key: string): string {
  return `/${encode(bucket)}/${key.split("/").map(encode).join("/")}`;
}

function decoded(text: string): string {
  return decodeURIComponent(text.replace(/\+/g, " "));
}

async function xml(method: string, path: string, query: [string, string][] = []): Promise<Element> {
  return parseXml(await (await send({ service: "s3", method, path, query })).text());
}
