// Log groups, streams and events, stored and live. AWS: CloudWatch Logs API reference.
import { json, jsonResponse } from "./client";
import { AwsError } from "./errors";
import { StreamReader } from "./event_stream";

export interface LogGroup {
  logGroupName: string;
  arn: string;
  logGroupArn?: string;
  creationTime: number;
  storedBytes?: number;
  retentionInDays?: number;
}

export interface LogStream {
  logStreamName: string;
  creationTime: number;
  lastEventTimestamp?: number;
}

export interface LogEvent {
  timestamp: number;
  message: string;
  logStreamName?: string;
  eventId?: string;
}

export async function groups(): Promise<LogGroup[]> {
  return pages<LogGroup>("DescribeLogGroups", {}, "logGroups");
}

export async function group(name: string): Promise<LogGroup | undefined> {
  const page = await call<{ logGroups: LogGroup[] }>("DescribeLogGroups", { logGroupNamePrefix: name });
  return page.logGroups.find((found) => found.logGroupName === name);
}

/** The 50 streams that were written to last. */
export async function streams(name: string): Promise<LogStream[]> {
  const asked = { logGroupName: name, orderBy: "LastEventTime", descending: true };
  return (await call<{ logStreams: LogStream[] }>("DescribeLogStreams", asked)).logStreams;
}

/** The last events of one stream. */
export async function lastEvents(name: string, stream: string, limit: number): Promise<LogEvent[]> {
  const asked = { logGroupName: name, logStreamName: stream, limit, startFromHead: false };
  return (await call<{ events: LogEvent[] }>("GetLogEvents", asked)).events;
}

/** Events in the order of time: the last of those since `since`, at most `limit`. */
export async function events(
  name: string,
  stream: string,
  pattern: string,
  since: number,
  limit: number,
): Promise<LogEvent[]> {
  const asked = {
    logGroupName: name,
    startTime: since,
    ...(stream ? { logStreamNames: [stream] } : {}),
    ...(pattern ? { filterPattern: pattern } : {}),
  };
  const found = await pages<LogEvent>("FilterLogEvents", asked, "events");
  return found.slice(-limit);
}

/** What arrives from now on, until `abort`. */
export async function tail(
  groupArn: string,
  pattern: string,
  abort: AbortSignal,
  heard: (events: LogEvent[]) => void,
): Promise<void> {
  const asked = {
    logGroupIdentifiers: [groupArn.replace(/:\*$/, "")],
    ...(pattern ? { logEventFilterPattern: pattern } : {}),
  };
  const response = await jsonResponse("logs", "Logs_20140328.StartLiveTail", asked, abort);
  const pieces = response.body?.getReader();
  const reader = new StreamReader();
  while (pieces) {
    const { done, value } = await pieces.read();
    if (done) return;
    for (const { headers, payload } of reader.feed(value)) {
      const content = JSON.parse(new TextDecoder().decode(payload) || "{}");
      if (headers[":exception-type"]) throw new AwsError(headers[":exception-type"], content.message ?? "", 400);
      if (headers[":event-type"] === "sessionUpdate" && content.sessionResults?.length) heard(content.sessionResults);
    }
  }
}

async function pages<T>(action: string, params: object, list: string): Promise<T[]> {
  const found: T[] = [];
  let nextToken: string | undefined;
  do {
    const page: Record<string, unknown> = await call(action, nextToken ? { ...params, nextToken } : params);
    found.push(...((page[list] as T[] | undefined) ?? []));
    nextToken = page.nextToken as string | undefined;
  } while (nextToken);
  return found;
}

function call<T>(action: string, params: object): Promise<T> {
  return json("logs", `Logs_20140328.${action}`, params);
}
