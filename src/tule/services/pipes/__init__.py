"""Amazon EventBridge Pipes: from one source, through a filter and an enrichment, to one target.

AWS: https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/

Queues, Kinesis and DynamoDB streams are read.  Known to differ: pipes are not stopped by themselves when everything fails;
targets of services that are not built can be configured, and fail visibly.
"""

from __future__ import annotations

from tule.platform.service import Room, Service


def _load() -> Service:
    from tule.services.pipes.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("pipes", _load)
