"""Amazon SQS: queues.  AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/

Standard and FIFO queues whole.  Known to differ: counts are exact and deliveries single; throughput is not limited; SQS's own
encryption is shown, and encrypts nothing (keys of KMS do).
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.sqs.state import SCHEMA


def _load() -> Service:
    from tule.services.sqs.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("sqs", _load, schema=SCHEMA)
