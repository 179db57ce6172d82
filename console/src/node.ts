// The node's own small API: what no AWS API tells.
import { errorIn } from "./aws/errors";
import { identity } from "./credentials";

export interface Health {
  services: Record<string, string>;
  version: string;
  store: string;
  strict: boolean;
  clock: { mode: string; now_ms: number };
}

export interface Doctor {
  sandbox: { level: number; features: string[] | Record<string, unknown>; missing: Record<string, string> };
  runtimes: Record<string, string>;
  instances: { all: number; idle: number; parked: number };
}

export interface Clock {
  mode: string;
  now_ms: number;
  speed: number;
}

export type Turn =
  | { do: "freeze"; at_ms?: number }
  | { do: "advance"; by_ms: number }
  | { do: "speed"; speed: number }
  | { do: "real" };

export interface Explanation {
  principal: string;
  action?: string;
  resource?: string;
  allowed?: boolean;
  explicit?: boolean;
  reasons?: string[];
  policy?: string;
  statement?: string;
  missing?: object;
  used?: { action: string; resource: string }[];
  least?: object;
}

export interface Denial {
  at_ms: number;
  principal: string;
  action: string;
  resource: string;
  reason: string;
}

export const health = () => own<Health>("GET", "/_tule/health");
export const doctor = () => own<Doctor>("GET", "/_tule/doctor");
export const clock = () => own<Clock>("GET", "/_tule/clock");
export const turnClock = (turn: Turn) => own<Clock>("POST", "/_tule/clock", turn);
export const explain = (asked: object) => own<Explanation>("POST", "/_tule/explain", asked);
export const latestDenials = async () => (await own<{ denials: Denial[] }>("POST", "/_tule/explain", {})).denials;

async function own<T>(method: string, path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = body ? { "content-type": "application/json" } : {};
  if (identity.value.adminToken) headers.authorization = `Bearer ${identity.value.adminToken}`;
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  if (!response.ok) throw errorIn(response, await response.text());
  return response.json();
}
