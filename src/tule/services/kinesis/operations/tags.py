"""Tags, by the API of streams and by that of all resources.  AWS: Kinesis Data Streams API reference, AddTagsToStream, TagResource."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_list
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import lookup, resources_named
from tule.services.kinesis.state import streams
from tule.store.store import Tx

Params = dict[str, Any]

MAX_SHOWN = 50


def add_tags_to_stream(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    tags = {**stream.config["tags"], **params["Tags"]}
    lookup.check_tags(call, params["Tags"], tags, stream.ref.name, stream.ref.account)
    streams.configure(tx, stream, tags=tags)


def remove_tags_from_stream(call: Call, tx: Tx, params: Params) -> None:
    stream = lookup.stream_of(call, tx, params)
    tags = {key: value for key, value in stream.config["tags"].items() if key not in params["TagKeys"]}
    streams.configure(tx, stream, tags=tags)


@reads
def list_tags_for_stream(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    limit, after = params.get("Limit", MAX_SHOWN), params.get("ExclusiveStartTagKey", "")
    found = {key: value for key, value in sorted(stream.config["tags"].items()) if key > after}
    return {"Tags": to_list(found)[:limit], "HasMoreTags": len(found) > limit}


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    resource = resources_named.find(tx, params["ResourceARN"])
    tags = {**resource.config["tags"], **params["Tags"]}
    lookup.check_tags(call, params["Tags"], tags, resource.name, resource.account)
    resource.configure(tx, tags=tags)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    resource = resources_named.find(tx, params["ResourceARN"])
    resource.configure(tx, tags={key: value for key, value in resource.config["tags"].items() if key not in params["TagKeys"]})


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": to_list(dict(sorted(resources_named.find(tx, params["ResourceARN"]).config["tags"].items())))}
