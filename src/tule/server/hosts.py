"""Which service, bucket and region a Host header names.

Understood: AWS's own names (`lambda.us-east-1.amazonaws.com`, `bucket.s3.eu-west-1.amazonaws.com`), the same labels under
`localhost`, `localhost.localstack.cloud` and `tule.local` (`bucket.s3.localhost:4566`), and `bucket.localhost`, which is
what SDKs make of `http://localhost:4566` with virtual-host addressing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tule.platform.service import Site

_SUFFIXES = (".amazonaws.com.cn", ".amazonaws.com", ".on.aws", ".localhost.localstack.cloud", ".tule.local", ".localhost")
_REGION = re.compile(r"^(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso[a-z]?-)?[a-z]+-\d$")
_S3_LABEL = re.compile(r"^s3(?:-(?:accelerate|(?P<region>[a-z]{2}-[a-z-]+-\d)))?$")

# Endpoint prefixes that are not botocore's service name.
_SERVICE_OF_PREFIX = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "sync-states": "stepfunctions",
    "email": "ses",
    "tagging": "resourcegroupstaggingapi",
    "cloudcontrolapi": "cloudcontrol",
    "streaming-logs": "logs",
    "streaming-lambda": "lambda",
    "queue": "sqs",
    "execute-api": "apigatewaymanagementapi",
    "autoscaling": "application-autoscaling",
}


@dataclass(slots=True, frozen=True)
class HostMeaning:
    """`service` is a botocore name when the host tells; `bucket` the bucket of a virtual-host request; `label` what stands
    alone before `.localhost` and may be a bucket or a host prefix, as the signature will tell."""

    service: str = ""
    bucket: str = ""
    region: str = ""
    label: str = ""


NOTHING = HostMeaning()


@lru_cache(maxsize=4096)
def site(host: str, kinds: frozenset[str]) -> Site | None:
    """The site that a host names, `<id>.<kind>[.<region>].<suffix>` or `<id>.<kind>-<region>.<suffix>`, if its kind is one of `kinds`.

    An id may have dots (a bucket's website).
    """
    labels = _labels(host)
    if labels is None:
        return None
    region = labels.pop() if _REGION.match(labels[-1]) else ""
    kind = labels[-1] if labels else ""
    for known in kinds if not region else ():
        if kind.startswith(known + "-") and _REGION.match(kind[len(known) + 1 :]):
            region, kind = kind[len(known) + 1 :], known
    return Site(kind, ".".join(labels[:-1]), region) if kind in kinds and len(labels) > 1 else None


def _labels(host: str) -> list[str] | None:
    """What stands before the known suffix; None for other hosts."""
    name = host.lower()
    colon = name.rfind(":")
    if colon > 0 and name[colon + 1 :].isdigit():
        name = name[:colon]
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)].split(".")
    return None


@lru_cache(maxsize=4096)
def meaning(host: str) -> HostMeaning:
    labels = _labels(host)
    return NOTHING if labels is None else _of_labels(labels)


def _of_labels(labels: list[str]) -> HostMeaning:
    region = next((label for label in labels if _REGION.match(label)), "")
    for i in range(len(labels) - 1, -1, -1):
        match = _S3_LABEL.match(labels[i])
        if match:
            return HostMeaning("s3", ".".join(labels[:i]), match["region"] or region)
        if labels[i] == "s3-accesspoint":
            return HostMeaning("s3", ".".join(labels[:i]), region)
        if labels[i] == "s3-control":
            return HostMeaning("s3control", "", region)
    named = [label for label in labels if label != region and label != "dualstack"]
    if not named:
        return HostMeaning(region=region)
    if named[-2:] == ["streams", "dynamodb"]:
        return HostMeaning("dynamodbstreams", region=region)
    if len(labels) == 1:
        return HostMeaning(_SERVICE_OF_PREFIX.get(named[0], ""), label=named[0])
    return HostMeaning(_SERVICE_OF_PREFIX.get(named[-1], named[-1]), region=region, label=".".join(labels))
