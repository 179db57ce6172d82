"""Makes `src/tule/access/data/actions/<service>.json`: which IAM actions an operation needs, on which resources.

    python scripts/generate_actions.py --map map.json --reference data/csv

`map.json` is iann0036/iam-dataset's (SDK method -> IAM actions, with the parameters that name the resources); the CSV
files are tobilg/aws-iam-data's (the Service Authorization Reference: actions, resource types, ARN patterns).  Both are
under the MIT licence; see `src/tule/access/data/NOTICE`.  The operations themselves come from the botocore models.

What comes out, for each operation, is a list of `[action, resource]` or `[action, resource, condition]`:

    "Invoke": [["lambda:InvokeFunction", "arn:{partition}:lambda:{region}:{account}:function:{FunctionName:function}"]]

A resource is a text with `{path}` for parameters: `{Tables[].Name}` gives one resource for each value; `{QueueUrl:queue}`
takes a name out of its dress (`access/resource_names.py`).  `"{RoleArn}"` is an ARN as given; a condition names a
parameter that must be there.  An empty list asks for no permission, only for credentials; `null` not even for those.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore

from tule.wire.models import SERVICES

OUT = Path(__file__).parent.parent / "src/tule/access/data/actions"

# botocore's name -> the names that map.json uses, its own first.
SDK = {
    "lambda": ["Lambda"], "appsync": ["AppSync"], "cognito-idp": ["CognitoIdentityServiceProvider"], "cognito-identity": ["CognitoIdentity"],
    "cognito-sync": ["CognitoSync"], "iam": ["IAM"], "sts": ["STS"], "dynamodb": ["DynamoDB"], "dynamodbstreams": ["DynamoDBStreams"],
    "s3": ["S3"], "s3control": ["S3Control"], "rds-data": ["RDSDataService"], "rds": ["RDS"], "elasticache": ["ElastiCache"],
    "opensearch": ["OpenSearch"], "es": ["ES"], "kinesis": ["Kinesis"], "firehose": ["Firehose"], "dms": ["DMS"], "sqs": ["SQS"], "sns": ["SNS"],
    "events": ["EventBridge", "CloudWatchEvents"], "schemas": ["Schemas"], "ses": ["SES"], "sesv2": ["SESV2"], "stepfunctions": ["StepFunctions"],
    "cloudfront": ["CloudFront"], "route53": ["Route53"], "acm": ["ACM"], "amplify": ["Amplify"], "shield": ["Shield"], "wafv2": ["WAFV2"],
    "kms": ["KMS"], "ssm": ["SSM"], "secretsmanager": ["SecretsManager"], "cloudtrail": ["CloudTrail"], "logs": ["CloudWatchLogs"],
    "cloudwatch": ["CloudWatch"], "xray": ["XRay"], "cloudformation": ["CloudFormation"], "codedeploy": ["CodeDeploy"],
    "serverlessrepo": ["ServerlessApplicationRepository"], "budgets": ["Budgets"], "ce": ["CostExplorer"], "pricing": ["Pricing"],
    "application-autoscaling": ["ApplicationAutoScaling"], "resource-groups": ["ResourceGroups"],
    "resourcegroupstaggingapi": ["ResourceGroupsTaggingAPI"], "cloudcontrol": ["CloudControl"], "ec2": ["EC2"],
}  # fmt: skip

PREFIX = {
    "apigatewayv2": "apigateway", "apigatewaymanagementapi": "execute-api", "dynamodbstreams": "dynamodb", "s3control": "s3",
    "opensearch": "es", "sesv2": "ses", "stepfunctions": "states", "resourcegroupstaggingapi": "tag", "cloudcontrol": "cloudformation",
}  # fmt: skip

# Resource types that the reference data leaves out.
ARNS = {
    "sqs": {"queue": "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"},
    "ssm": {
        "parameter": "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}",
        "document": "arn:${Partition}:ssm:${Region}:${Account}:document/${DocumentName}",
        "maintenancewindow": "arn:${Partition}:ssm:${Region}:${Account}:maintenancewindow/${ResourceId}",
        "patchbaseline": "arn:${Partition}:ssm:${Region}:${Account}:patchbaseline/${PatchBaselineIdResourceId}",
        "association": "arn:${Partition}:ssm:${Region}:${Account}:association/${AssociationId}",
        "opsitem": "arn:${Partition}:ssm:${Region}:${Account}:opsitem/${ResourceId}",
    },
}

# Where an operation's action has another name and map.json does not say so, or says it less well.
OVERRIDES: dict[str, dict[str, list[list[Any]]]] = {
    "s3": {
        "HeadObject": [["s3:GetObject", "arn:{partition}:s3:::{Bucket}/{Key}"]],
        "HeadBucket": [["s3:ListBucket", "arn:{partition}:s3:::{Bucket}"]],
        "ListObjects": [["s3:ListBucket", "arn:{partition}:s3:::{Bucket}"]],
        "ListObjectsV2": [["s3:ListBucket", "arn:{partition}:s3:::{Bucket}"]],
        "ListBuckets": [["s3:ListAllMyBuckets", "*"]],
        "CopyObject": [["s3:PutObject", "arn:{partition}:s3:::{Bucket}/{Key}"], ["s3:GetObject", "arn:{partition}:s3:::{CopySource:source}"]],
        "UploadPart": [["s3:PutObject", "arn:{partition}:s3:::{Bucket}/{Key}"]],
        "UploadPartCopy": [["s3:PutObject", "arn:{partition}:s3:::{Bucket}/{Key}"], ["s3:GetObject", "arn:{partition}:s3:::{CopySource:source}"]],
        "CreateMultipartUpload": [["s3:PutObject", "arn:{partition}:s3:::{Bucket}/{Key}"]],
        "CompleteMultipartUpload": [["s3:PutObject", "arn:{partition}:s3:::{Bucket}/{Key}"]],
        "ListParts": [["s3:ListMultipartUploadParts", "arn:{partition}:s3:::{Bucket}/{Key}"]],
        "ListMultipartUploads": [["s3:ListBucketMultipartUploads", "arn:{partition}:s3:::{Bucket}"]],
        "DeleteObjects": [["s3:DeleteObject", "arn:{partition}:s3:::{Bucket}/{Delete.Objects[].Key}"]],
    },
    "sts": {
        "AssumeRoleWithSAML": [["sts:AssumeRoleWithSAML", "{RoleArn}"]],
        "AssumeRoleWithWebIdentity": [["sts:AssumeRoleWithWebIdentity", "{RoleArn}"]],
    },
    "secretsmanager": {
        "CreateSecret": [["secretsmanager:CreateSecret", "arn:{partition}:secretsmanager:{region}:{account}:secret:{Name}"]],
    },
    "lambda": {
        name: [["lambda:InvokeFunction", "arn:{partition}:lambda:{region}:{account}:function:{FunctionName:function}"]]
        for name in ("Invoke", "InvokeAsync", "InvokeWithResponseStream")
    },
    "sqs": {
        "SendMessageBatch": [["sqs:SendMessage", "arn:{partition}:sqs:{region}:{account}:{QueueUrl:queue}"]],
        "DeleteMessageBatch": [["sqs:DeleteMessage", "arn:{partition}:sqs:{region}:{account}:{QueueUrl:queue}"]],
        "ChangeMessageVisibilityBatch": [["sqs:ChangeMessageVisibility", "arn:{partition}:sqs:{region}:{account}:{QueueUrl:queue}"]],
    },
    "sns": {"PublishBatch": [["sns:Publish", "{TopicArn}"]]},
    "dynamodb": {
        "BatchGetItem": [["dynamodb:BatchGetItem", "arn:{partition}:dynamodb:{region}:{account}:table/{RequestItems[]}"]],
        "BatchWriteItem": [["dynamodb:BatchWriteItem", "arn:{partition}:dynamodb:{region}:{account}:table/{RequestItems[]}"]],
    },
    "apigatewaymanagementapi": {
        name: [["execute-api:ManageConnections", "arn:{partition}:execute-api:{region}:{account}:*/@connections/{ConnectionId}"]]
        for name in ("PostToConnection", "GetConnection", "DeleteConnection")
    },
    "events": {"PutEvents": [["events:PutEvents", "arn:{partition}:events:{region}:{account}:event-bus/{Entries[].EventBusName|default}"]]},
    "kinesis": {
        "PutRecords": [["kinesis:PutRecords", "arn:{partition}:kinesis:{region}:{account}:stream/{StreamName}"]],
    },
}  # fmt: skip
NOTHING = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("dynamodb", "DescribeEndpoints")}
PASSED_BY_NAME = re.compile(r"^(role|iamrole|executionrole|servicerole)$", re.I)


class Reference:
    """The Service Authorization Reference: actions by prefix, and the ARN patterns that each may name."""

    def __init__(self, folder: Path) -> None:
        patterns = {row["resource_type_id"]: (row["name"], row["arn_pattern"]) for row in _rows(folder / "aws_resource_types.csv")}
        self.actions: dict[str, list[tuple[str, str, bool]]] = {}
        names = {row["action_id"]: row["name"] for row in _rows(folder / "aws_actions.csv")}
        for name in names.values():
            self.actions.setdefault(name.lower(), [])
        self.names = {name.lower(): name for name in names.values()}
        for row in _rows(folder / "aws_actions_resource_types.csv"):
            kind, pattern = patterns[row["resource_type_id"]]
            if pattern.startswith("arn:"):
                self.actions[names[row["action_id"]].lower()].append((kind, pattern, row["required_flag"] == "true"))

    def types(self, action: str) -> list[tuple[str, str, bool]]:
        found = self.actions.get(action.lower(), [])
        if not found:
            return [(kind, pattern, False) for kind, pattern in ARNS.get(action.split(":")[0], {}).items()]
        return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--map", type=Path, required=True)
    arguments.add_argument("--reference", type=Path, required=True)
    given = arguments.parse_args()
    mapping = json.loads(given.map.read_text())["sdk_method_iam_mappings"]
    reference = Reference(given.reference)
    OUT.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        model = _model(service)
        table = {name: _operation(service, name, model, mapping, reference) for name in sorted(model["operations"])}
        text = ",\n".join(f"{json.dumps(name)}:{json.dumps(needs, separators=(',', ':'))}" for name, needs in table.items())
        (OUT / f"{service}.json").write_text("{\n" + text + "\n}\n")


def _operation(service: str, name: str, model: dict[str, Any], mapping: dict[str, Any], reference: Reference) -> list[list[Any]] | None:
    operation = model["operations"][name]
    if operation.get("authtype") == "none" or operation.get("auth") == ["smithy.api#noAuth"]:
        return None
    if (service, name) in NOTHING:
        return []
    if name in OVERRIDES.get(service, {}):
        return OVERRIDES[service][name]
    if service in ("apigateway", "apigatewayv2"):
        return _api_gateway(operation, model)
    members = model["shapes"].get(operation.get("input", {}).get("shape", ""), {}).get("members", {})
    needs = _mapped(service, name, members, mapping, reference)
    inferred = _inferred(service, name, members, model, reference)
    if not needs or (all(need[1] == "*" for need in needs) and any(need[0] == inferred[0][0] for need in needs)):
        needs = inferred + [need for need in needs if need[1] != "*"]
    return _unique(needs)


def _api_gateway(operation: dict[str, Any], model: dict[str, Any]) -> list[list[Any]]:
    """API Gateway's actions are HTTP methods on the paths of its own API."""
    shape = model["shapes"].get(operation.get("input", {}).get("shape", ""), {})
    places = {member.get("locationName", name): name for name, member in shape.get("members", {}).items()}
    path = operation["http"]["requestUri"].split("?")[0].removeprefix("/v2")
    path = re.sub(r"\{([^}]+)\}", lambda match: "{" + places.get(match[1].rstrip("+"), match[1].rstrip("+")) + "}", path)
    return [[f"apigateway:{operation['http']['method']}", "arn:{partition}:apigateway:{region}::" + path.rstrip("/")]]


def _mapped(service: str, name: str, members: dict[str, Any], mapping: dict[str, Any], reference: Reference) -> list[list[Any]]:
    entries = next((found for sdk in SDK.get(service, []) if (found := mapping.get(f"{sdk}.{name}"))), [])
    own = [entry for entry in entries if entry["action"].split(":")[1].lower() == name.lower()]
    passed = [entry for entry in entries if entry["action"] == "iam:PassRole"]
    conditional = [entry for entry in entries if "conditions" in entry]
    kept = [*own, *passed] if own else entries
    kept += [entry for entry in conditional if entry not in kept]
    needs: list[list[Any]] = []
    for entry in kept:
        action = reference.names.get(entry["action"].lower(), entry["action"])
        resources = list(_resources(action, entry, members, reference))
        if action == "iam:PassRole":
            needs += [[action, resource] for resource in resources if "{" in resource]
            continue
        condition = _condition(entry.get("conditions"))
        needs += [[action, *_split(resource, condition)] for resource in resources or ["*"]]
    return needs


def _split(resource: str, condition: list[Any]) -> list[Any]:
    """A resource, and the parameter on which the choice of it depends: `path?resource`, `!path?resource`."""
    path, mark, text = resource.partition("?")
    return [text, [path, ""]] if mark else [resource, *condition]


def _condition(given: dict[str, Any] | None) -> list[Any]:
    if given is None or given["op"] not in ("Exists", "IContains"):
        return []
    return [[given["lhs"], given.get("rhs", "").strip().upper()]]


def _resources(action: str, entry: dict[str, Any], members: dict[str, Any], reference: Reference) -> Iterator[str]:
    if "arn_override" in entry:
        yield from (text for text in _texts(entry["arn_override"]["template"]) if _known(text, members))
        return
    mapped = {name: list(_texts(value["template"])) for name, value in entry.get("resource_mappings", {}).items()}
    whole = {text for template in entry.get("resourcearn_mappings", {}).values() for text in _texts(template)}
    yield from sorted(text for text in whole if text != "*" and _known(text, members))
    for _, pattern, _ in reference.types(action):
        variables = [name for name in re.findall(r"\$\{(\w+)\}", pattern) if name not in ("Partition", "Region", "Account")]
        if variables and all(name in mapped for name in variables):
            for text in _filled(pattern, mapped):
                if _known(text, members):
                    yield text


def _filled(pattern: str, mapped: dict[str, list[str]]) -> list[str]:
    texts = [pattern]
    for name, values in mapped.items():
        texts = [text.replace("${" + name + "}", value) for text in texts for value in values]
    return [_plain(text) for text in texts]


def _plain(text: str) -> str:
    for name in ("Partition", "Region", "Account"):
        text = text.replace("${" + name + "}", "{" + name.lower() + "}")
    text = re.sub(r"\$\{([^}]+)\}", r"{\1}", text)
    return re.sub(r":parameter/\{([^}:]+)\}", r":parameter/{\1:bare}", text)


def _known(text: str, members: dict[str, Any]) -> bool:
    """Whether all of its parameters are parameters of the operation; a template with a function left in it is not used."""
    if "%" in text:
        return False
    paths = [path for path in re.findall(r"\{([^}]+)\}", text) if path not in ("partition", "region", "account")]
    return all(re.split(r"[.\[:|]", path)[0] in members for path in paths)


def _texts(template: str) -> Iterator[str]:
    """The template functions of map.json, said with placeholders alone."""
    template = re.sub(r"(?<=.)%%regex%(\$\{\w+\})%/.*?/g(?:%%)?", r"\1", template)
    match = re.fullmatch(r"%%(\w+)%(.*)%%", template, re.S)
    if match is None:
        yield _plain(template)
        return
    function, body = match[1], match[2]
    if function == "many":
        for part in body.split("%"):
            yield from _texts(part)
    elif function == "iftemplatematch":
        yield _plain(body)
    elif function == "iftruthy":
        parts = body.split("%")
        if parts[1] == parts[0]:
            yield _plain(parts[0])[:-1] + ("}" if parts[2] in ("*", "") else f"|{parts[2]}}}")
        elif len(parts) > 2 and parts[2]:
            path = _plain(parts[0])[1:-1]
            yield f"{path}?{_plain(parts[1])}"
            yield f"!{path}?{_plain(parts[2])}"
    elif function == "regex":
        path, _, expression = body.partition("%")
        name = _plain(path)[:-1]
        if "function" in expression:
            yield f"{name}:function}}"
        elif expression.startswith((r"/^\/(.+)$", r"/^\/?(.+)")):
            yield f"{name}:bare}}"
        elif "QueueUrl" in path:
            yield f"{name}:queue}}"
        else:
            yield f"{name}:last}}"


def _inferred(service: str, name: str, members: dict[str, Any], model: dict[str, Any], reference: Reference) -> list[list[Any]]:
    """For operations that map.json does not know: parameters that are called as the variables of the ARN pattern."""
    prefix = PREFIX.get(service, service)
    action = reference.names.get(f"{prefix}:{name}".lower(), f"{prefix}:{name}")
    found: list[list[Any]] = []
    for kind, pattern, required in reference.types(action):
        text = _guessed(kind, pattern, members, model)
        if text is not None:
            found.append([action, text])
        elif required and not found:
            continue
    return found or [[action, "*"]]


def _guessed(kind: str, pattern: str, members: dict[str, Any], model: dict[str, Any]) -> str | None:
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in members if _is_text(members[name], model)}
    type_name = re.sub(r"[^a-z0-9]", "", kind.lower())
    for candidate in (f"{type_name}arn", f"{type_name}identifier", "resourcearn"):
        if candidate in plain:
            return "{" + plain[candidate] + "}"
    text = pattern
    for variable in re.findall(r"\$\{(\w+)\}", pattern):
        if variable in ("Partition", "Region", "Account"):
            continue
        lowered = variable.lower()
        stem = lowered.removeprefix(type_name) if lowered.startswith(type_name) else ""
        candidates = [lowered, type_name + "name", type_name + "id", stem, *(("name",) if lowered.endswith("name") else ())]
        member = next((plain[candidate] for candidate in candidates if candidate in plain), None)
        if member is None:
            return None
        text = text.replace("${" + variable + "}", "{" + member + "}")
    return _plain(text)


def _is_text(member: dict[str, Any], model: dict[str, Any]) -> bool:
    return model["shapes"][member["shape"]]["type"] == "string"


def _unique(needs: list[list[Any]]) -> list[list[Any]]:
    """Without repetitions, and without `*` beside something more precise for the same action."""
    precise = {need[0] for need in needs if need[1] != "*"}
    kept: dict[str, list[Any]] = {}
    for need in needs:
        if need[1] != "*" or need[0] not in precise:
            kept.setdefault(json.dumps(need), need)
    return list(kept.values())


def _model(service: str) -> dict[str, Any]:
    folder = Path(botocore.__file__).parent / "data" / service
    latest = max(entry for entry in folder.iterdir() if (entry / "service-2.json.gz").exists())
    return json.loads(gzip.decompress((latest / "service-2.json.gz").read_bytes()))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


if __name__ == "__main__":
    main()
