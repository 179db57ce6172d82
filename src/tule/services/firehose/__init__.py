"""Amazon Data Firehose.

AWS: https://docs.aws.amazon.com/firehose/latest/APIReference/Welcome.html

Records are rows until the object that holds them is acknowledged; buffers are emptied by jobs on the node's clock.
Known to differ: streams are ACTIVE at once and gone at once; a Redshift, OpenSearch, Splunk, Snowflake or Iceberg destination
can be configured, but is never reached, so that its records end in the error output; queries of dynamic partitioning are a part
of jq (`jq.py` says which); Snappy's formats are not made smaller; keys encrypt nothing that the stream keeps; HTTP endpoints
without TLS are taken where the node is not strict.  Not built yet, and answered 501: conversion to Parquet and ORC, MSK and
databases as sources.
"""

from __future__ import annotations

from tule.backbone.delivery import Delivery, Outcome
from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.firehose import access, sources
from tule.services.firehose.operations import encryption, records, streams, tags
from tule.services.firehose.resources import RESOURCE_TYPES
from tule.services.firehose.state import buffers


async def _deliver(node: Node, delivery: Delivery) -> Outcome:
    from tule.services.firehose import deliveries  # loaded here: most nodes never deliver anything, and all should start quickly

    return await deliveries.deliver(node, delivery)


SERVICE = Service(
    "firehose",
    operations=operations_in(streams, records, tags, encryption),
    needs=access.NEEDS,
    schema=buffers.SCHEMA,
    deliver=_deliver,
    start=sources.start,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(["TagDeliveryStream", "UntagDeliveryStream", "ListTagsForDeliveryStream", "PutRecord", "CreateDeliveryStream"]),
)
