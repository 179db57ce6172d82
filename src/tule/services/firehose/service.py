"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.firehose import access, deliveries, metrics, sources
from tule.services.firehose.operations import encryption, records, streams, tags
from tule.services.firehose.resources import RESOURCE_TYPES

SERVICE = Service(
    "firehose",
    operations=operations_in(streams, records, tags, encryption),
    needs=access.NEEDS,
    deliver=deliveries.deliver,
    start=sources.start,
    counted=metrics.counted,
    resource_types=RESOURCE_TYPES,
    recorded=frozenset(["TagDeliveryStream", "UntagDeliveryStream", "ListTagsForDeliveryStream", "PutRecord", "CreateDeliveryStream"]),
)
