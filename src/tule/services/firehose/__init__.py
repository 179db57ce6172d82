"""Amazon Data Firehose: records gathered and delivered in batches.

AWS: https://docs.aws.amazon.com/firehose/latest/APIReference/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("firehose", {})
