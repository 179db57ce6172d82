"""Amazon EventBridge Pipes: from one source, through a filter and an enrichment, to one target.

AWS: https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/
"""

from __future__ import annotations

from tule.platform.service import Service

SERVICE = Service("pipes", {})
