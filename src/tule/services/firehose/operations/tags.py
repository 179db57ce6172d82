"""Tags of delivery streams.  AWS: Amazon Data Firehose API reference, TagDeliveryStream."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_list, to_map, violation
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.firehose import errors, lookup
from tule.services.firehose.state import streams
from tule.store.store import Tx

Params = dict[str, Any]

MAX_SHOWN = 50


def tag_delivery_stream(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    given = to_map(params["Tags"])
    wrong = violation(given)
    tags = {**stream["tags"], **given}
    if wrong is not None or len(tags) > MAX_SHOWN:
        raise errors.invalid_argument(f"Tags are not valid: {wrong or f'more than {MAX_SHOWN} tags'}.")
    streams.save(tx, {**stream, "tags": tags})
    return {}


def untag_delivery_stream(call: Call, tx: Tx, params: Params) -> Params:
    stream = lookup.stream_of(call, tx, params)
    streams.save(tx, {**stream, "tags": {key: value for key, value in stream["tags"].items() if key not in params["TagKeys"]}})
    return {}


@reads
def list_tags_for_delivery_stream(call: Call, tx: Tx, params: Params) -> Params:
    tags: dict[str, str] = lookup.stream_of(call, tx, params)["tags"]
    limit, after = params.get("Limit", MAX_SHOWN), params.get("ExclusiveStartTagKey", "")
    found = {key: value for key, value in sorted(tags.items()) if key > after}
    return {"Tags": to_list(found)[:limit], "HasMoreTags": len(found) > limit}
