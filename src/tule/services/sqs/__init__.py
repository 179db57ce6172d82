"""Amazon SQS: queues.

AWS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("sqs", {})
