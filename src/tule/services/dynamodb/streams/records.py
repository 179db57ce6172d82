"""A change as a stream shows it.  AWS: DynamoDB Streams API reference, Record, StreamRecord."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tule.lang.dynamodb.sizes import size
from tule.services.dynamodb.state.items import Stored
from tule.services.dynamodb.streams import sequence

INSERT, MODIFY, REMOVE = b"INSERT", b"MODIFY", b"REMOVE"

_RECORD = (
    b'{"eventID":"%b","eventName":"%b","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"%b"%b,"dynamodb":'
    b'{"ApproximateCreationDateTime":%d,"Keys":%b%b%b,"SizeBytes":%d,"StreamViewType":"%b","SequenceNumber":"'
)
_END = b'"}}'  # after the number
_NEW = b',"NewImage":%b'
_OLD = b',"OldImage":%b'
_IDENTITY = b',"userIdentity":%b'
_WITH_NEW = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
_WITH_OLD = ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")


def name_of(old: Stored | None, new: Stored | None) -> bytes:
    """INSERT, MODIFY or REMOVE."""
    if old is None:
        return INSERT
    return REMOVE if new is None else MODIFY


def record(
    event: str,
    view: str,
    region: str,
    at_ms: int,
    key: Mapping[str, Any],
    old: Stored | None,
    new: Stored | None,
    identity: Mapping[str, str] | None,
) -> bytes:
    """The JSON that GetRecords answers for a change, up to its sequence number; times are whole seconds there."""
    new_image = new if view in _WITH_NEW else None
    old_image = old if view in _WITH_OLD else None
    return _RECORD % (
        event.encode(),
        name_of(old, new),
        region.encode(),
        b"" if identity is None else _IDENTITY % orjson.dumps(identity),
        at_ms // 1000,
        orjson.dumps(key),
        b"" if new_image is None else _NEW % new_image.item,
        b"" if old_image is None else _OLD % old_image.item,
        size(key) + (0 if new_image is None else new_image.size) + (0 if old_image is None else old_image.size),
        view.encode(),
    )


def numbered(record: bytes, position: int, slot: int) -> bytes:
    """The whole of it."""
    return record + sequence.text(position, slot).encode() + _END
