"""What an account may have, and where DynamoDB is.  AWS: DynamoDB API reference, DescribeLimits, DescribeEndpoints."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tule.platform.call import Call
from tule.services.dynamodb import throughput

Params = dict[str, Any]

CACHE_MINUTES = 1440


async def describe_limits(call: Call, params: Params) -> Params:
    return {
        "AccountMaxReadCapacityUnits": throughput.ACCOUNT_UNITS,
        "AccountMaxWriteCapacityUnits": throughput.ACCOUNT_UNITS,
        "TableMaxReadCapacityUnits": throughput.TABLE_UNITS,
        "TableMaxWriteCapacityUnits": throughput.TABLE_UNITS,
    }


async def describe_endpoints(call: Call, params: Params) -> Params:
    """This node, as the client called it."""
    return {"Endpoints": [{"Address": urlsplit(call.endpoint).netloc, "CachePeriodInMinutes": CACHE_MINUTES}]}
