"""Amazon Kinesis Data Streams.

AWS: https://docs.aws.amazon.com/kinesis/latest/APIReference/

Known to differ: streams, consumers and queues are ACTIVE at once, and shards are split, merged and deleted at once, so that
CREATING is seen in the answer to RegisterStreamConsumer alone, and UPDATING and DELETING never; streams in ON_DEMAND mode keep
the shards they have; SubscribeToShard speaks HTTP/1.1; the limits of throughput hold in strict mode, or where `throttling` is
`on`.  Not built yet, and answered 501: channels.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.kinesis.state.schema import SCHEMA


def _load() -> Service:
    from tule.services.kinesis.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("kinesis", _load, schema=SCHEMA)
