// Functions and their invocation. AWS: Lambda API reference.
import { rest, send } from "./client";
import { encode } from "./signer";

export interface FunctionConfiguration {
  FunctionName: string;
  FunctionArn: string;
  Runtime?: string;
  Handler?: string;
  Role: string;
  Description?: string;
  MemorySize: number;
  Timeout: number;
  CodeSize: number;
  LastModified: string;
  State?: string;
  StateReason?: string;
  LastUpdateStatus?: string;
  LastUpdateStatusReason?: string;
  Architectures?: string[];
  PackageType?: string;
  Version: string;
  Environment?: { Variables?: Record<string, string> };
  LoggingConfig?: { LogGroup?: string };
  EphemeralStorage?: { Size: number };
  Layers?: { Arn: string }[];
  DeadLetterConfig?: { TargetArn?: string };
}

export interface Answer {
  status: number;
  /** Set when the function failed. */
  failure: string;
  payload: string;
  logTail: string;
  version: string;
  milliseconds: number;
}

const ROOT = "/2015-03-31/functions";

export async function functions(): Promise<FunctionConfiguration[]> {
  const found: FunctionConfiguration[] = [];
  let marker = "";
  do {
    const pairs: [string, string][] = marker ? [["Marker", marker]] : [];
    const page = await rest<{ Functions: FunctionConfiguration[]; NextMarker?: string }>(
      "lambda",
      "GET",
      `${ROOT}/`,
      pairs,
    );
    found.push(...page.Functions);
    marker = page.NextMarker ?? "";
  } while (marker);
  return found;
}

export function configuration(name: string): Promise<FunctionConfiguration> {
  return rest("lambda", "GET", `${ROOT}/${encode(name)}/configuration`);
}

/** The function's resource policy as JSON text; empty when it has none. */
export async function policy(name: string): Promise<string> {
  try {
    return (await rest<{ Policy: string }>("lambda", "GET", `${ROOT}/${encode(name)}/policy`)).Policy;
  } catch (error) {
    if (error instanceof Error && error.name === "ResourceNotFoundException") return "";
    throw error;
  }
}

export async function invoke(name: string, payload: string): Promise<Answer> {
  const started = performance.now();
  const response = await send({
    service: "lambda",
    path: `${ROOT}/${encode(name)}/invocations`,
    headers: { "x-amz-log-type": "Tail", "content-type": "application/json" },
    body: payload,
  });
  const text = await response.text();
  return {
    status: response.status,
    failure: response.headers.get("x-amz-function-error") ?? "",
    payload: text,
    logTail: fromBase64(response.headers.get("x-amz-log-result") ?? ""),
    version: response.headers.get("x-amz-executed-version") ?? "",
    milliseconds: performance.now() - started,
  };
}

function fromBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
}
