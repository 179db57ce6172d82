"""Amazon SNS: topics and their subscribers.

AWS: https://docs.aws.amazon.com/sns/latest/api/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("sns", {})
