"""Is a policy document well-formed?  Said in IAM's words; the caller adds its own error code (`MalformedPolicyDocument`).

Three kinds differ: an identity policy names no principal, a role's trust policy names no resource and only actions of STS,
a resource's policy names both.  AWS: "Grammar of the IAM JSON policy language", and the messages of CreatePolicy,
CreateRole and UpdateAssumeRolePolicy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tule.access.policy.conditions import known

VERSIONS = ("2008-10-17", "2012-10-17")
_TOP = frozenset({"Version", "Id", "Statement"})
_PARTS = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_SID = re.compile(r"[A-Za-z0-9]*\Z")
_VENDOR = re.compile(r"[A-Za-z0-9*?_.-]+\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}\Z")
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc", "*")
_IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/",
    "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
_TRUST_ACTIONS = re.compile(
    r"sts:(?:AssumeRole(?:WithSAML|WithWebIdentity)?|AssumeRoot|TagSession|SetSourceIdentity|SetContext|GetCallerIdentity|\*)\Z", re.I
)
_NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."

Document = dict[str, Any]


class InvalidPolicy(ValueError):
    """What is wrong with a document, in AWS's words."""


def identity_policy(text: str) -> Document:
    """Raises InvalidPolicy."""
    document = _document(text, "Syntax errors in policy.")
    for statement in _statements(document):
        if "Principal" in statement or "NotPrincipal" in statement:
            raise InvalidPolicy("Policy document should not specify a principal.")
        _check_effect(statement)
        _check_actions(statement, needed="Policy statement must contain actions.")
        _check_resources(statement)
        _check_conditions(statement)
    return document


def trust_policy(text: str) -> Document:
    """Raises InvalidPolicy."""
    document = _document(text, "This policy contains invalid Json")
    for statement in _statements(document):
        for name in ("Resource", "NotResource"):
            if name in statement:
                raise InvalidPolicy(f"Has prohibited field {name}")
        _check_effect(statement)
        _check_principals(statement)
        _check_actions(statement, needed="Missing required field Action")
        if not all(_TRUST_ACTIONS.match(action) for action in _texts(statement.get("Action", []))):
            raise InvalidPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
        _check_conditions(statement)
    return document


def resource_policy(text: str, *, resource_needed: bool = True) -> Document:
    """Statement ids may be any text here, as templates have them (`Allow SNS to send`).  Raises InvalidPolicy."""
    document = _document(text, "This policy contains invalid Json")
    for statement in _statements(document, free_sids=True):
        _check_effect(statement)
        _check_principals(statement)
        _check_actions(statement, needed="Missing required field Action")
        if resource_needed:
            _check_resources(statement)
        _check_conditions(statement)
    return document


def _document(text: str, otherwise: str) -> Document:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidPolicy(otherwise) from error
    if not isinstance(document, dict) or not _TOP.issuperset(document):
        raise InvalidPolicy("Syntax errors in policy.")
    version = document.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise InvalidPolicy("Policy document must be version 2012-10-17 or greater." if isinstance(version, str) else "Syntax errors in policy.")
    if "Id" in document and not isinstance(document["Id"], str):
        raise InvalidPolicy("Syntax errors in policy.")
    return document


def _statements(document: Document, *, free_sids: bool = False) -> Sequence[Mapping[str, Any]]:
    found = document.get("Statement")
    statements = [found] if isinstance(found, dict) else found
    if not isinstance(statements, list) or not statements:
        raise InvalidPolicy("Syntax errors in policy.")
    sids: set[str] = set()
    for statement in statements:
        if not isinstance(statement, dict) or not _PARTS.issuperset(statement):
            raise InvalidPolicy("Syntax errors in policy.")
        for pair in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
            if all(name in statement for name in pair):
                raise InvalidPolicy("Syntax errors in policy.")
        sid = statement.get("Sid", "")
        if not isinstance(sid, str):
            raise InvalidPolicy("Syntax errors in policy.")
        if not free_sids and not _SID.match(sid):
            raise InvalidPolicy("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
        if sid and sid in sids:
            raise InvalidPolicy("Statement IDs (SID) in a single policy must be unique.")
        sids.add(sid)
    return statements


def _check_effect(statement: Mapping[str, Any]) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise InvalidPolicy("Syntax errors in policy.")


def _check_actions(statement: Mapping[str, Any], *, needed: str) -> None:
    name = "Action" if "Action" in statement else "NotAction"
    if name not in statement:
        raise InvalidPolicy(needed)
    actions = _texts(statement[name])
    if not actions:
        raise InvalidPolicy(needed)
    for action in actions:
        if action == "*":
            continue
        vendor, colon, rest = action.partition(":")
        if not colon:
            raise InvalidPolicy(_NO_VENDOR)
        if ":" in rest:
            raise InvalidPolicy("Actions/Condition can contain only one colon.")
        if not _VENDOR.match(vendor) or not rest:
            raise InvalidPolicy(f"Vendor {vendor} is not valid" if rest else _NO_VENDOR)


def _check_resources(statement: Mapping[str, Any]) -> None:
    name = "Resource" if "Resource" in statement else "NotResource"
    resources = _texts(statement[name]) if name in statement else []
    if not resources:
        raise InvalidPolicy("Policy statement must contain resources.")
    for resource in resources:
        _check_resource(resource)


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    if not resource.startswith("arn:"):
        raise InvalidPolicy(f'Resource {resource} must be in ARN format or "*".')
    parts = resource.split(":", 5)
    if len(parts) < 6 or not parts[5]:
        if len(parts) > 1 and parts[-1].endswith("*"):
            return  # `arn:aws:s3*`: accepted by IAM, matched over the whole text
        raise InvalidPolicy(f'Resource {resource} must be in ARN format or "*".' if len(parts) < 3 else "The policy failed legacy parsing")
    partition, vendor, region, rest = parts[1], parts[2], parts[3], parts[5]
    if partition not in _PARTITIONS and "${" not in partition and "*" not in partition:
        raise InvalidPolicy(f'Partition "{partition}" is not valid for resource "{resource}".')
    if vendor == "iam":
        if region:
            raise InvalidPolicy(f"IAM resource {resource} cannot contain region information.")
        if rest not in ("*", "root") and not rest.startswith((*_IAM_PATHS, "*", "$")):
            raise InvalidPolicy(f'IAM resource path must either be "*" or start with {", ".join(_IAM_PATHS)}.')
    if vendor == "s3" and (region or parts[4]) and "/" not in rest and rest.split(":")[0] not in ("accesspoint", "job", "*"):
        raise InvalidPolicy(f"Resource {resource} can not contain region information." if region else "The policy failed legacy parsing")


def _check_principals(statement: Mapping[str, Any]) -> None:
    name = "Principal" if "Principal" in statement else "NotPrincipal"
    if name not in statement:
        raise InvalidPolicy("Missing required field Principal")
    element = statement[name]
    if element == "*":
        return
    if not isinstance(element, dict) or not element:
        raise InvalidPolicy(f"Invalid principal in policy: {_shown(element)}")
    for kind, values in element.items():
        texts = _texts(values)
        if kind not in _PRINCIPALS or not texts:
            raise InvalidPolicy(f'Invalid principal in policy: "{kind}":{_shown(values)}')
        for value in texts:
            _check_principal(kind, value)


def _check_principal(kind: str, value: str) -> None:
    if value == "*" and kind in ("AWS", "Federated"):
        return
    good = {
        "AWS": bool(_ACCOUNT.match(value) or _UNIQUE_ID.match(value)) or _is_principal_arn(value),
        "Service": "." in value and "*" not in value,
        "Federated": "." in value or value.startswith("arn:"),
        "CanonicalUser": value.isalnum(),
    }
    if not good[kind]:
        raise InvalidPolicy(f'Invalid principal in policy: "{kind}":"{value}"')


def _is_principal_arn(value: str) -> bool:
    parts = value.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[3] or not _ACCOUNT.match(parts[4]):
        return parts[:4] == ["arn", "aws", "iam", ""] and len(parts) == 6 and parts[4] == "cloudfront"
    if "*" in parts[5]:
        return False
    if parts[2] == "iam":
        return parts[5] == "root" or parts[5].startswith(("user/", "role/"))
    return parts[2] == "sts" and parts[5].startswith(("assumed-role/", "federated-user/"))


def _check_conditions(statement: Mapping[str, Any]) -> None:
    block = statement.get("Condition", {})
    if not isinstance(block, dict):
        raise InvalidPolicy("Syntax errors in policy.")
    for operator, keys in block.items():
        if not known(operator):
            raise InvalidPolicy(f"Invalid Condition type : {operator}")
        if not isinstance(keys, dict):
            raise InvalidPolicy("Syntax errors in policy.")
        for key, values in keys.items():
            if ":" not in key:
                raise InvalidPolicy(_NO_VENDOR)
            for value in values if isinstance(values, list) else [values]:
                if not isinstance(value, str | int | float | bool):
                    raise InvalidPolicy("Syntax errors in policy.")


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise InvalidPolicy("Syntax errors in policy.")
    return values


def _shown(value: Any) -> str:
    return orjson.dumps(value).decode()
