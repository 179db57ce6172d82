"""Dynamic partitioning: keys found by a query in a record, or given by a function.

AWS: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import orjson

from tule.services.firehose import jq, prefixes
from tule.services.firehose.destinations import settings
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.jq_functions import JqError, text_of
from tule.services.firehose.processing.item import Item
from tule.services.firehose.state.streams import Stream

_FAILED = "DynamicPartitioning.MetadataExtractionFailed"


@lru_cache(maxsize=256)
def _compiled(query: str) -> jq.Filter:
    return jq.compile_query(query)


def extract(item: Item, query: str) -> Item:
    """With the keys that the query finds.  Raises DeliveryFailed."""
    try:
        found = _compiled(query)(orjson.loads(item.data))
    except (orjson.JSONDecodeError, JqError, TypeError, ValueError, AttributeError) as error:
        raise DeliveryFailed(_FAILED, f"partitionKeys values could not be extracted: {error}") from error
    if not isinstance(found, dict):
        raise DeliveryFailed(_FAILED, "The query did not give an object of partition keys.")
    return replace(item, query={key: text_of(value) for key, value in found.items() if value not in (None, "")})


def of(stream: Stream, item: Item) -> str:
    """The name of the item's partition: the keys that the prefix asks for.  Raises DeliveryFailed when one is missing."""
    if not settings.is_partitioned(stream):
        return ""
    wanted = prefixes.partition_names(settings.s3_of(stream).get("Prefix", ""))
    found: dict[str, dict[str, str]] = {"query": {}, "lambda": {}}
    for space, name in wanted:
        kind, keys = ("query", item.query) if space == "partitionKeyFromQuery" else ("lambda", item.function)
        if name not in keys:
            raise DeliveryFailed(_FAILED, f"partitionKeys values must not be null or empty: {name}")
        found[kind][name] = keys[name]
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS).decode()
