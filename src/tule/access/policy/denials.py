"""How a denial is told, in the words of each family of services.

AWS: "Troubleshoot access denied error messages" (IAM user guide), "Troubleshoot access denied (403 Forbidden) errors" (S3).
"""

from __future__ import annotations

from tule.access.need import Need
from tule.access.policy.evaluate import Decision
from tule.access.principal import Principal
from tule.core.errors import ServiceError

_POLICY_KINDS = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
}
_S3 = frozenset({"s3", "s3control"})
_ACCESS_DENIED_403 = frozenset({"iam", "sts", "cloudformation", "rds", "elasticache", "ses", "cloudfront", "route53", "sqs", "cloudwatch"})
_JSON_1X = frozenset(
    {
        "dynamodb", "dynamodbstreams", "kinesis", "firehose", "kms", "ssm", "secretsmanager", "logs", "events", "stepfunctions", "cloudtrail",
        "cognito-idp", "cognito-identity", "acm", "budgets", "ce", "pricing", "application-autoscaling", "resourcegroupstaggingapi",
        "cloudcontrol", "codedeploy", "dms", "shield", "wafv2",
    }
)  # fmt: skip


def denial(service: str, principal: Principal, need: Need, decision: Decision) -> ServiceError:
    is_foreign = need.owner not in ("", principal.account) or principal.kind == "anonymous"
    headers = {} if is_foreign else {"x-tule-decision": explanation(need, decision).encode("unicode_escape").decode()}
    if principal.kind == "anonymous":
        return unauthenticated(service, headers)
    text = sentence(service, principal, need, decision)
    if service in _S3:
        return ServiceError("AccessDenied", "Access Denied" if is_foreign else text, 403, headers=headers)
    if service == "sns":
        return ServiceError("AuthorizationError", text, 403, headers=headers)
    if service == "ec2":
        return ServiceError("UnauthorizedOperation", f"You are not authorized to perform this operation. {text}", 403, headers=headers)
    if service in _ACCESS_DENIED_403:
        return ServiceError("AccessDenied", text, 403, headers=headers)
    return ServiceError("AccessDeniedException", text, 400 if service in _JSON_1X else 403, headers=headers)


def sentence(service: str, principal: Principal, need: Need, decision: Decision) -> str:
    """`User: ... is not authorized to perform: ... on resource: ... because ...`."""
    resource = f'"{need.resource}"' if service in _S3 else need.shown or need.resource
    action = need.action.lower() if service == "sqs" else need.action
    start = f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}"
    if need.action in ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity") and not decision.explicit:
        return start
    return f"{start} {reason(action, decision)}"


def reason(action: str, decision: Decision) -> str:
    kind = _POLICY_KINDS[decision.layer]
    if decision.explicit:
        article = "an" if kind.startswith("identity") else "a"
        return f"with an explicit deny in {article} {kind}"
    return f"because no {kind} allows the {action} action"


def explanation(need: Need, decision: Decision) -> str:
    """For people: which statement decided, or which is missing."""
    if decision.statement is not None:
        verb = "allowed" if decision.allowed else "denied"
        return f"{verb} by {decision.statement.label} of {decision.statement.policy}"
    if decision.allowed:
        return "allowed: the account's root" if decision.layer == "root" else "allowed: the platform's own work"
    return f"no {_POLICY_KINDS[decision.layer]} allows {need.action} on {need.resource}"


def unauthenticated(service: str, headers: dict[str, str] | None = None) -> ServiceError:
    """No credentials where they are needed."""
    if service in _S3:
        return ServiceError("AccessDenied", "Access Denied", 403, headers=headers)
    if service in _ACCESS_DENIED_403 or service in ("sns", "ec2"):
        return ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", 403, headers=headers)
    if service in _JSON_1X:
        return ServiceError("MissingAuthenticationTokenException", "Request is missing Authentication Token", 400, headers=headers)
    return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403, headers=headers)
