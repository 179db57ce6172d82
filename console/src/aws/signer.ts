// Signature Version 4 by WebCrypto. AWS: IAM user guide, "Create a signed AWS API request".

export interface Credentials {
  key: string;
  secret: string;
  token: string;
}

export interface Scope {
  region: string;
  service: string;
  at: Date;
}

export interface Signable {
  method: string;
  host: string;
  /** Percent-encoded, as sent. */
  path: string;
  query: [string, string][];
  /** Lower-case names, `host` and the date left out. */
  headers: Record<string, string>;
  /** SHA-256 of the body in hex, or UNSIGNED-PAYLOAD. */
  bodyHash: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const encoder = new TextEncoder();

/** The headers that make `request` a signed one, `authorization` among them. */
export async function signedHeaders(
  request: Signable,
  credentials: Credentials,
  scope: Scope,
): Promise<Record<string, string>> {
  const headers: Record<string, string> = { ...request.headers, "x-amz-date": basicTime(scope.at) };
  if (scope.service === "s3") headers["x-amz-content-sha256"] = request.bodyHash;
  if (credentials.token) headers["x-amz-security-token"] = credentials.token;
  const all = { ...headers, host: request.host };
  const signature = await signatureOf(request, all, credentials, scope);
  headers.authorization =
    `${ALGORITHM} Credential=${credentials.key}/${scopeText(scope)}, ` +
    `SignedHeaders=${headerNames(all)}, Signature=${signature}`;
  return headers;
}

/** The query of a URL that whoever holds it may use for `seconds`. */
export async function presignedQuery(
  request: Signable,
  credentials: Credentials,
  scope: Scope,
  seconds: number,
): Promise<string> {
  const query: [string, string][] = [
    ...request.query,
    ["X-Amz-Algorithm", ALGORITHM],
    ["X-Amz-Credential", `${credentials.key}/${scopeText(scope)}`],
    ["X-Amz-Date", basicTime(scope.at)],
    ["X-Amz-Expires", String(seconds)],
    ["X-Amz-SignedHeaders", "host"],
  ];
  if (credentials.token) query.push(["X-Amz-Security-Token", credentials.token]);
  const signature = await signatureOf({ ...request, query }, { host: request.host }, credentials, scope);
  return `${encodeQuery(query)}&X-Amz-Signature=${signature}`;
}

/** RFC 3986: everything but letters, digits and -._~ is percent-encoded. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function encodeQuery(query: [string, string][]): string {
  return query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", typeof data === "string" ? encoder.encode(data) : data));
}

async function signatureOf(
  request: Signable,
  headers: Record<string, string>,
  credentials: Credentials,
  scope: Scope,
): Promise<string> {
  const text = [ALGORITHM, basicTime(scope.at), scopeText(scope), await sha256(canonical(request, headers, scope))];
  return hex(await hmac(await signingKey(credentials.secret, scope), text.join("\n")));
}

function canonical(request: Signable, headers: Record<string, string>, scope: Scope): string {
  const lines = Object.keys(headers)
    .sort()
    .map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`);
  return [
    request.method,
    canonicalPath(request.path, scope.service),
    canonicalQuery(request.query),
    lines.join(""),
    headerNames(headers),
    request.bodyHash,
  ].join("\n");
}

/** Every service but S3 signs the path encoded once more. */
function canonicalPath(path: string, service: string): string {
  return service === "s3" ? path : path.split("/").map(encode).join("/");
}

function canonicalQuery(query: [string, string][]): string {
  const pairs = query.map(([name, value]) => [encode(name), encode(value)] as const);
  return pairs
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

function headerNames(headers: Record<string, string>): string {
  return Object.keys(headers).sort().join(";");
}

function scopeText(scope: Scope): string {
  return `${basicTime(scope.at).slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
}

async function signingKey(secret: string, scope: Scope): Promise<ArrayBuffer> {
  let key = await hmac(encoder.encode(`AWS4${secret}`), basicTime(scope.at).slice(0, 8));
  for (const part of [scope.region, scope.service, "aws4_request"]) key = await hmac(key, part);
  return key;
}

async function hmac(key: ArrayBuffer | Uint8Array<ArrayBuffer>, text: string): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, encoder.encode(text));
}

/** 20240501T102030Z */
function basicTime(at: Date): string {
  return `${at.toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
