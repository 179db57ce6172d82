"""Amazon EventBridge Schemas.

AWS: https://docs.aws.amazon.com/eventbridge/latest/schema-reference/what-is-eventbridge-schemas.html
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("schemas", operations={})
