"""Tagging of pipes.  AWS: EventBridge Pipes API reference, TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.pipes import state
from tule.services.pipes.names import of_arn
from tule.services.pipes.tags import checked
from tule.store.store import Tx

Params = dict[str, Any]


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    ref = of_arn(params["resourceArn"])
    pipe = state.get(tx, ref)
    state.put(tx, ref, {**pipe, "tags": checked(pipe["tags"], params["tags"])})


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    ref = of_arn(params["resourceArn"])
    pipe = state.get(tx, ref)
    left = {key: value for key, value in pipe["tags"].items() if key not in params["tagKeys"]}
    state.put(tx, ref, {**pipe, "tags": left})


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"tags": state.get(tx, of_arn(params["resourceArn"]))["tags"]}
