"""Redshift: the data goes to S3 by way of which a cluster would load it; there is no cluster, so the loading fails.

What was not loaded is named by a manifest in the error output, as AWS does, so that it can be loaded by hand.
AWS: https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

from __future__ import annotations

import orjson

from tule.platform.node import Node
from tule.services.firehose.destinations import s3_objects, settings
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.state.buffers import Batch, Record
from tule.services.firehose.state.streams import Stream

MANIFESTS = "errors/manifests"


async def put(node: Node, stream: Stream, batch: Batch, records: list[Record]) -> None:
    """Raises DeliveryFailed, always: when the data is in S3 there is nobody to load it."""
    if batch.attempts == 0:
        await s3_objects.put_data(node, stream, batch, "", records)
    raise DeliveryFailed("Redshift.ConnectionFailed", "Tule has no Redshift to deliver to: the cluster cannot be reached.")


def manifest(stream: Stream, batch: Batch, records: list[Record]) -> Record:
    bucket = settings.s3_of(stream)["BucketARN"].rpartition(":")[2]
    entries = [{"url": f"s3://{bucket}/{s3_objects.data_key(stream, batch, '')}", "mandatory": True}]
    return Record(records[0].arrived_ms, orjson.dumps({"entries": entries}) + b"\n")
