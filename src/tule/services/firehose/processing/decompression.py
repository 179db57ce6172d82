"""Records from CloudWatch Logs: compressed by GZIP, and several events in one.

AWS: https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs-decompression.html
"""

from __future__ import annotations

import gzip
import zlib

import orjson

from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.processing.item import Item

_MAX_BYTES = 64 * 1024 * 1024


def expand(item: Item, decompress: dict[str, str], extract: dict[str, str] | None) -> list[Item]:
    """`extract` are the parameters of message extraction, if it is configured.  Raises DeliveryFailed."""
    del decompress  # GZIP is the only format that it may name
    data = _gunzipped(item.data)
    if extract is None or extract.get("DataMessageExtraction", "false").lower() != "true":
        return [item.with_data(data)]
    try:
        document = orjson.loads(data)
        if document.get("messageType") == "CONTROL_MESSAGE":
            return []
        messages = [event["message"] for event in document["logEvents"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise DeliveryFailed("CloudWatchLogProcessing.InvalidFormat", "The record is not what CloudWatch Logs sends.") from error
    return [item.with_data("".join(f"{message}\n" for message in messages).encode())]


def _gunzipped(data: bytes) -> bytes:
    try:
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        found = decoder.decompress(data, _MAX_BYTES)
        if decoder.unconsumed_tail or not decoder.eof:
            raise DeliveryFailed("Decompression.InvalidFormat", "The record is too large when decompressed, or cut short.")
        return found
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DeliveryFailed("Decompression.InvalidFormat", "The record is not compressed by GZIP.") from error
