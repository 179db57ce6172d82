"""Amazon Kinesis Data Streams.

AWS: https://docs.aws.amazon.com/kinesis/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("kinesis", {})
