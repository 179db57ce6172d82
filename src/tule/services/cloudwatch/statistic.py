"""A statistic of a period: `Average`, `Sum`, `p99.9` and the like.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tule.core.errors import ServiceError
from tule.services.cloudwatch.errors import invalid
from tule.watch.metric_store import Summary

PLAIN: dict[str, Callable[[Summary], float]] = {
    "SampleCount": lambda summary: summary.count,
    "Average": Summary.average,
    "Sum": lambda summary: summary.sum,
    "Minimum": lambda summary: summary.low,
    "Maximum": lambda summary: summary.high,
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_OTHERS = re.compile(r"(?:IQM|(?:tm|wm|tc|ts|pr|TM|WM|TC|TS|PR).+)")


def statistic(name: str) -> Callable[[Summary], float]:
    """Raises ServiceError for a name that is none, and 501 for those that are not built."""
    if name in PLAIN:
        return PLAIN[name]
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is not None:
        rank = float(percentile.group(1))
        return lambda summary: summary.percentile(rank)
    if _OTHERS.fullmatch(name):
        raise ServiceError("NotImplemented", f"The statistic {name} is not implemented by Tule yet.", 501)
    raise invalid(f"The value {name} for parameter Stat is not supported.")
