// Stacks. AWS: CloudFormation API reference.
import { query, queryAll } from "./client";
import type { Element } from "./xml";

export interface Stack {
  name: string;
  id: string;
  status: string;
  reason: string;
  description: string;
  created: string;
  updated: string;
  outputs: { key: string; value: string; description: string; exported: string }[];
  parameters: { key: string; value: string }[];
}

export interface StackEvent {
  id: string;
  at: string;
  logical: string;
  physical: string;
  type: string;
  status: string;
  reason: string;
}

export type StackResource = Omit<StackEvent, "id">;

const VERSION = "2010-05-15";

export async function stacks(): Promise<Stack[]> {
  const found = await queryAll("cloudformation", VERSION, "DescribeStacks", {}, "Stacks/member", "NextToken");
  return found.map(stackOf);
}

export async function stack(name: string): Promise<Stack> {
  const result = await query("cloudformation", VERSION, "DescribeStacks", { StackName: name });
  return stackOf(result.all("Stacks/member")[0] as Element);
}

/** Newest first. */
export async function stackEvents(name: string): Promise<StackEvent[]> {
  const params = { StackName: name };
  const found = await queryAll(
    "cloudformation",
    VERSION,
    "DescribeStackEvents",
    params,
    "StackEvents/member",
    "NextToken",
  );
  return found.map((event) => ({ id: event.at("EventId"), ...resourceOf(event, "Timestamp") }));
}

export async function stackResources(name: string): Promise<StackResource[]> {
  const params = { StackName: name };
  const list = "StackResourceSummaries/member";
  const found = await queryAll("cloudformation", VERSION, "ListStackResources", params, list, "NextToken");
  return found.map((resource) => resourceOf(resource, "LastUpdatedTimestamp"));
}

export async function deleteStack(name: string): Promise<void> {
  await query("cloudformation", VERSION, "DeleteStack", { StackName: name });
}

export function inProgress(status: string): boolean {
  return status.endsWith("_IN_PROGRESS");
}

function stackOf(found: Element): Stack {
  return {
    name: found.at("StackName"),
    id: found.at("StackId"),
    status: found.at("StackStatus"),
    reason: found.at("StackStatusReason"),
    description: found.at("Description"),
    created: found.at("CreationTime"),
    updated: found.at("LastUpdatedTime"),
    outputs: found.all("Outputs/member").map((output) => ({
      key: output.at("OutputKey"),
      value: output.at("OutputValue"),
      description: output.at("Description"),
      exported: output.at("ExportName"),
    })),
    parameters: found.all("Parameters/member").map((parameter) => ({
      key: parameter.at("ParameterKey"),
      value: parameter.at("ParameterValue"),
    })),
  };
}

function resourceOf(found: Element, time: string): StackResource {
  return {
    at: found.at(time),
    logical: found.at("LogicalResourceId"),
    physical: found.at("PhysicalResourceId"),
    type: found.at("ResourceType"),
    status: found.at("ResourceStatus"),
    reason: found.at("ResourceStatusReason"),
  };
}
