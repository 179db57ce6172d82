"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from tule.platform.service import Service, operations_in
from tule.services.cloudwatch import access
from tule.services.cloudwatch.operations import data, listing, putting, statistics

SERVICE = Service(
    "cloudwatch",
    operations=operations_in(putting, listing, statistics, data),
    needs=access.NEEDS,
    recorded=frozenset(["PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"]),
)
