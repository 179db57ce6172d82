// One signed request in each of AWS's protocols that the console speaks: json, query, rest-json and S3's rest-xml.
import { identity } from "../credentials";
import { errorIn } from "./errors";
import { encodeQuery, type Scope, type Signable, sha256, signedHeaders } from "./signer";
import { type Element, parseXml } from "./xml";

export interface Sent {
  service: string;
  method?: string;
  path?: string;
  query?: [string, string][];
  headers?: Record<string, string>;
  body?: string | Blob;
  abort?: AbortSignal;
}

/** Signs and sends; throws AwsError for anything but success. */
export async function send(sent: Sent): Promise<Response> {
  const { method = "POST", path = "/", query = [], headers = {}, body } = sent;
  const bodyHash = body instanceof Blob ? "UNSIGNED-PAYLOAD" : await sha256(body ?? "");
  const request: Signable = { method, host: location.host, path, query, headers, bodyHash };
  const signed = await signedHeaders(request, identity.value, scopeOf(sent.service));
  const url = query.length > 0 ? `${path}?${encodeQuery(query)}` : path;
  const response = await fetch(url, { method, headers: signed, body, signal: sent.abort, cache: "no-store" });
  if (!response.ok) throw errorIn(response, await response.text());
  return response;
}

export function scopeOf(service: string): Scope {
  return { service, region: identity.value.region, at: new Date() };
}

/** AWS JSON 1.1: `target` is such as Logs_20140328.FilterLogEvents. */
export async function json<T>(service: string, target: string, params: object): Promise<T> {
  return (await jsonResponse(service, target, params)).json();
}

export function jsonResponse(service: string, target: string, params: object, abort?: AbortSignal): Promise<Response> {
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": target };
  return send({ service, headers, body: JSON.stringify(params), abort });
}

/** AWS Query: the element named as the action's result. */
export async function query(
  service: string,
  version: string,
  action: string,
  params: Record<string, string>,
): Promise<Element> {
  const fields = Object.entries({ Action: action, Version: version, ...params }).filter(([, value]) => value !== "");
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const response = await send({ service, headers, body: encodeQuery(fields) });
  const root = parseXml(await response.text());
  return root.find(`${action}Result`) ?? root;
}

/** Every page of a query operation's list, by the named token. */
export async function queryAll(
  service: string,
  version: string,
  action: string,
  params: Record<string, string>,
  list: string,
  token: "Marker" | "NextToken",
): Promise<Element[]> {
  const found: Element[] = [];
  let next = "";
  do {
    const page = await query(service, version, action, { ...params, [token]: next });
    found.push(...page.all(list));
    next = page.at(token);
  } while (next);
  return found;
}

export async function rest<T>(
  service: string,
  method: string,
  path: string,
  pairs: [string, string][] = [],
): Promise<T> {
  return (await send({ service, method, path, query: pairs })).json();
}
