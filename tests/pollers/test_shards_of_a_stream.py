"""Which shards a stream has, by what its reader may ask."""

from __future__ import annotations

from typing import Any

import pytest

from tule.core.errors import ServiceError
from tule.pollers.kinesis_stream import shards_of

NAMES = ["shardId-000000000000", "shardId-000000000001", "shardId-000000000002"]


class Stream:
    """Kinesis, which shows one shard a page, and only by the operations that it allows."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    async def ask(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        if operation not in self.allowed:
            raise ServiceError("AccessDeniedException", operation)
        if operation == "DescribeStream":
            at = NAMES.index(params["ExclusiveStartShardId"]) + 1 if "ExclusiveStartShardId" in params else 0
            return {"StreamDescription": {"Shards": [{"ShardId": NAMES[at]}], "HasMoreShards": at < 2}}
        assert ("NextToken" in params) != ("StreamARN" in params)
        at = int(params.get("NextToken", 0))
        return {"Shards": [{"ShardId": NAMES[at]}], **({"NextToken": str(at + 1)} if at < 2 else {})}


@pytest.mark.parametrize("allowed", [("DescribeStream",), ("ListShards",), ("DescribeStream", "ListShards")])
async def test_either_call_tells_all_shards(allowed: tuple[str, ...]) -> None:
    assert [shard["ShardId"] for shard in await shards_of("arn", Stream(*allowed).ask)] == NAMES


async def test_who_may_do_neither_is_told_of_the_first() -> None:
    with pytest.raises(ServiceError, match="DescribeStream"):
        await shards_of("arn", Stream().ask)
