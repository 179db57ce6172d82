"""TagResource, UntagResource, ListResourceTags.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.core.tags import to_list
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import changing, listing, tagging
from tule.store.store import Tx


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.staying(call, tx, params["KeyId"])
    tags = {**document["tags"], **tagging.checked(params["Tags"])}
    tagging.check_count(tags)
    changing.put(tx, ref, {**document, "tags": tags})


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    ref, document = changing.staying(call, tx, params["KeyId"])
    changing.put(tx, ref, {**document, "tags": {name: value for name, value in document["tags"].items() if name not in params["TagKeys"]}})


@reads
def list_resource_tags(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    _, document = changing.held(call, tx, params["KeyId"])
    after = listing.after(call, params)
    tags = sorted((tag for tag in to_list(document["tags"], "TagKey", "TagValue")), key=lambda tag: tag["TagKey"])
    rows = [tag for tag in tags if tag["TagKey"] > after]
    return listing.answer(call, params, "Tags", rows, lambda tag: tag["TagKey"], lambda tag: tag)
