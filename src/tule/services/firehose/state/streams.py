"""Delivery streams: documents with id, name, account, region, type, created_ms, updated_ms, version, kind and destination (what
was configured, with AWS's names), source, encryption, tags, throughput_hint."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.store.documents import Documents
from tule.store.store import Tx

STREAMS = Documents("firehose.stream")
DIRECT_PUT = "DirectPut"
KINESIS = "KinesisStreamAsSource"

Stream = dict[str, Any]


def stream_arn(account: str, region: str, name: str) -> str:
    return arns.arn("firehose", region, account, f"deliverystream/{name}")


def arn_of(stream: Stream) -> str:
    return stream_arn(stream["account"], stream["region"], stream["name"])


def find(tx: Tx, account: str, region: str, name: str) -> Stream | None:
    return STREAMS.get(tx, account, region, name)


def create(tx: Tx, stream: Stream) -> bool:
    """False when there is one of this name."""
    if not STREAMS.create(tx, stream["account"], stream["region"], stream["name"], stream):
        return False
    STREAMS.alias(tx, stream["account"], stream["region"], stream["name"], stream["id"])
    return True


def save(tx: Tx, stream: Stream) -> None:
    STREAMS.put(tx, stream["account"], stream["region"], stream["name"], stream)


def by_id(tx: Tx, id: str) -> Stream | None:
    found = STREAMS.by_alias(tx, id)
    return None if found is None else found[3]


def delete(tx: Tx, stream: Stream) -> None:
    STREAMS.delete(tx, stream["account"], stream["region"], stream["name"])


def with_kinesis_source(tx: Tx) -> list[Stream]:
    return [stream for *_, stream in STREAMS.everywhere(tx) if stream["type"] == KINESIS]
