"""Records on their way from the intake to the output: decompressed, taken apart, transformed, partitioned, delimited.

What cannot be processed becomes a line of the error output.  A function that cannot be invoked fails the batch as a whole.
AWS: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from tule.platform.node import Node
from tule.services.firehose import failures
from tule.services.firehose.destinations import settings
from tule.services.firehose.failures import DeliveryFailed
from tule.services.firehose.processing import deaggregation, decompression, partitions, transformation
from tule.services.firehose.processing.item import Item
from tule.services.firehose.state.buffers import Batch, Record
from tule.services.firehose.state.streams import Stream

DEFAULT_RETRIES = 3


@dataclass(slots=True)
class Processed:
    """Records for the output, by partition, and lines for the error output."""

    outputs: dict[str, list[Record]] = field(default_factory=dict[str, "list[Record]"])
    errors: list[Record] = field(default_factory=list[Record])


def retries(stream: Stream) -> int:
    """How often a function that fails is invoked again."""
    function = settings.processor(stream, "Lambda") or {}
    return int(function.get("NumberOfRetries", DEFAULT_RETRIES))


async def process(node: Node, stream: Stream, batch: Batch, records: list[Record]) -> Processed:
    """Raises DeliveryFailed."""
    processed, attempts = Processed(), batch.attempts + 1

    def fail(record: Record, failed: DeliveryFailed) -> None:
        processed.errors.append(failures.line(record, failed, attempts, node.clock.now_ms()))

    items = [Item(record, record.data) for record in records]
    if (decompress := settings.processor(stream, "Decompression")) is not None:
        extracts = settings.processor(stream, "CloudWatchLogProcessing")
        items = _each(items, lambda item: decompression.expand(item, decompress, extracts), fail)
    if (taking_apart := settings.processor(stream, "RecordDeAggregation")) is not None:
        items = _each(items, lambda item: _taken_apart(item, taking_apart), fail)
    if (function := settings.processor(stream, "Lambda")) is not None and items:
        items = await transformation.transform(node, stream, function, batch, items, fail)
    if (extraction := settings.processor(stream, "MetadataExtraction")) is not None:
        query = extraction["MetadataExtractionQuery"]
        items = _each(items, lambda item: [partitions.extract(item, query)], fail)
    delimiter = _delimiter(stream)
    for item in items:
        try:
            partition = partitions.of(stream, item)
        except DeliveryFailed as failed:
            fail(item.source, failed)
            continue
        processed.outputs.setdefault(partition, []).append(Record(item.source.arrived_ms, item.data + delimiter))
    return processed


def _each(items: list[Item], step: Callable[[Item], list[Item]], fail: Callable[[Record, DeliveryFailed], None]) -> list[Item]:
    done: list[Item] = []
    for item in items:
        try:
            done += step(item)
        except DeliveryFailed as failed:
            fail(item.source, failed)
    return done


def _taken_apart(item: Item, parameters: dict[str, str]) -> list[Item]:
    """Raises DeliveryFailed."""
    if parameters.get("SubRecordType", "JSON") == "DELIMITED":
        return [item.with_data(piece) for piece in deaggregation.delimited(item.data, _base64(parameters.get("Delimiter", "")))]
    try:
        return [item.with_data(piece) for piece in deaggregation.json_documents(item.data)]
    except deaggregation.NotAggregated as error:
        raise DeliveryFailed("RecordDeAggregation.JsonDeserializationFailed", str(error)) from error


def _base64(text: str) -> bytes:
    """A delimiter is given in base64; what is not is taken as it is."""
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return text.encode()


def _delimiter(stream: Stream) -> bytes:
    """What follows every record: a line's end unless something else is said, as JSON would say it."""
    parameters = settings.processor(stream, "AppendDelimiterToRecord")
    if parameters is None:
        return b""
    text = parameters.get("Delimiter", "\\n")
    try:
        return orjson.loads(f'"{text}"').encode()
    except orjson.JSONDecodeError:
        return text.encode()
