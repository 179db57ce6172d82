// Users, roles and their policies. AWS: IAM and STS API references.
import { query, queryAll } from "./client";
import type { Element } from "./xml";

export type Kind = "role" | "user";

export interface Entity {
  kind: Kind;
  name: string;
  arn: string;
  created: string;
  /** Who may assume it, as JSON text; roles only. */
  trust: string;
}

export interface Policy {
  name: string;
  /** Empty for an inline policy. */
  arn: string;
  document: string;
}

const VERSION = "2010-05-08";
const TITLE = { role: "Role", user: "User" } as const;

export async function entities(kind: Kind): Promise<Entity[]> {
  const found = await all(`List${TITLE[kind]}s`, {}, `${TITLE[kind]}s/member`);
  return found.map((one) => entityOf(kind, one));
}

export async function entity(kind: Kind, name: string): Promise<Entity> {
  const result = await query("iam", VERSION, `Get${TITLE[kind]}`, named(kind, name));
  return entityOf(kind, result.find(TITLE[kind]) as Element);
}

/** Inline and attached policies with their documents in force. */
export async function policies(kind: Kind, name: string): Promise<Policy[]> {
  const title = TITLE[kind];
  const who = named(kind, name);
  const [inline, attached] = await Promise.all([
    all(`List${title}Policies`, who, "PolicyNames/member"),
    all(`ListAttached${title}Policies`, who, "AttachedPolicies/member"),
  ]);
  return Promise.all([
    ...inline.map(async ({ text: policyName }) => {
      const result = await query("iam", VERSION, `Get${title}Policy`, { ...who, PolicyName: policyName });
      return { name: policyName, arn: "", document: pretty(result.at("PolicyDocument")) };
    }),
    ...attached.map((policy) => managed(policy.at("PolicyName"), policy.at("PolicyArn"))),
  ]);
}

export async function callerArn(): Promise<string> {
  return (await query("sts", "2011-06-15", "GetCallerIdentity", {})).at("Arn");
}

async function managed(name: string, arn: string): Promise<Policy> {
  const policy = await query("iam", VERSION, "GetPolicy", { PolicyArn: arn });
  const asked = { PolicyArn: arn, VersionId: policy.at("Policy/DefaultVersionId") };
  const version = await query("iam", VERSION, "GetPolicyVersion", asked);
  return { name, arn, document: pretty(version.at("PolicyVersion/Document")) };
}

function all(action: string, params: Record<string, string>, list: string): Promise<Element[]> {
  return queryAll("iam", VERSION, action, params, list, "Marker");
}

function named(kind: Kind, name: string): Record<string, string> {
  return { [`${TITLE[kind]}Name`]: name };
}

function entityOf(kind: Kind, found: Element): Entity {
  return {
    kind,
    name: found.at(`${TITLE[kind]}Name`),
    arn: found.at("Arn"),
    created: found.at("CreateDate"),
    trust: pretty(found.at("AssumeRolePolicyDocument")),
  };
}

/** IAM sends documents percent-encoded. */
function pretty(encoded: string): string {
  return encoded ? JSON.stringify(JSON.parse(decodeURIComponent(encoded)), null, 2) : "";
}
