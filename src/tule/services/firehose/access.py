"""Who may do what with delivery streams.  AWS: Service authorization reference, Amazon Kinesis Firehose.

Who gives a delivery stream a role must be allowed to pass it to Firehose.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tule.access.actions import tags_in_request
from tule.platform.call import Call
from tule.platform.service import Need, Needs
from tule.services.firehose.acting import SERVICE
from tule.services.firehose.state import streams
from tule.store.store import Tx

Params = dict[str, Any]

_ON_STREAM = (
    "CreateDeliveryStream",
    "DeleteDeliveryStream",
    "DescribeDeliveryStream",
    "ListTagsForDeliveryStream",
    "PutRecord",
    "PutRecordBatch",
    "StartDeliveryStreamEncryption",
    "StopDeliveryStreamEncryption",
    "TagDeliveryStream",
    "UntagDeliveryStream",
    "UpdateDestination",
)


def _on_stream(action: str, call: Call, tx: Tx, params: Params) -> list[Need]:
    name = params["DeliveryStreamName"]
    stream = streams.find(tx, call.account, call.region, name)
    tags: dict[str, str] = {} if stream is None else stream["tags"]
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    if "Tags" in params or "TagKeys" in params:
        context |= tags_in_request(params)
    needs = [Need(action, streams.stream_arn(call.account, call.region, name), context)]
    if action in ("firehose:CreateDeliveryStream", "firehose:UpdateDestination"):
        passed = dict.fromkeys(_roles(params))
        needs += [Need("iam:PassRole", role, {"iam:PassedToService": SERVICE}) for role in passed]
    return needs


def _roles(value: Any) -> Iterator[str]:
    """Every RoleARN in a request."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "RoleARN" and isinstance(inner, str):
                yield inner
            else:
                yield from _roles(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _roles(inner)


def _listing(call: Call, tx: Tx, params: Params) -> list[Need]:
    return [Need("firehose:ListDeliveryStreams")]


NEEDS: dict[str, Needs] = {
    **{operation: partial(_on_stream, f"firehose:{operation}") for operation in _ON_STREAM},
    "ListDeliveryStreams": _listing,
}
