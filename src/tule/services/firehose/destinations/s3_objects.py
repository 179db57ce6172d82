"""Writing objects to S3: data, backups and errors.  AWS: https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.platform.node import Node
from tule.services.firehose import acting, compression, prefixes
from tule.services.firehose.destinations import settings
from tule.services.firehose.failures import PROCESSING, DeliveryFailed
from tule.services.firehose.prefixes import Facts, MissingKey
from tule.services.firehose.state.buffers import Batch, Record
from tule.services.firehose.state.streams import Stream
from tule.wire.http import Body

Config = dict[str, Any]

_THREAD_BYTES = 256 * 1024  # compressing more than this would keep the node from answering
_RANDOM_CHARS = 11


async def put_data(node: Node, stream: Stream, batch: Batch, partition: str, records: list[Record]) -> str:
    """The key of the object.  Raises DeliveryFailed."""
    config = settings.s3_of(stream)
    key = data_key(stream, batch, partition)
    await _put(node, stream, config, key, records)
    return key


def data_key(stream: Stream, batch: Batch, partition: str) -> str:
    config = settings.s3_of(stream)
    facts = _facts(stream, config, batch, partition=partition)
    extension = stream["destination"].get("FileExtension") or compression.EXTENSIONS[config["CompressionFormat"]]
    return _data_prefix(config, facts) + _name(stream, facts, batch, extension)


def _data_prefix(config: Config, facts: Facts) -> str:
    """Records that were partitioned before the prefix was changed go where errors go: they are not lost."""
    try:
        return prefixes.of_data(config.get("Prefix", ""), facts)
    except MissingKey:
        return prefixes.of_errors(config.get("ErrorOutputPrefix", ""), "", replace(facts, error_type=PROCESSING))


async def put_backup(node: Node, stream: Stream, batch: Batch, records: list[Record]) -> None:
    """Raises DeliveryFailed."""
    config = settings.backup_of(stream) or settings.s3_of(stream)
    facts = _facts(stream, config, batch)
    key = prefixes.of_data(config.get("Prefix", ""), facts) + _name(stream, facts, batch, compression.EXTENSIONS[config["CompressionFormat"]])
    await _put(node, stream, config, key, records)


async def put_errors(node: Node, stream: Stream, batch: Batch, error_type: str, records: list[Record]) -> None:
    """Raises DeliveryFailed."""
    config = settings.s3_of(stream)
    facts = _facts(stream, config, batch, error_type=error_type)
    prefix = prefixes.of_errors(config.get("ErrorOutputPrefix", ""), config.get("Prefix", ""), facts)
    key = prefix + _name(stream, facts, batch, compression.EXTENSIONS[config["CompressionFormat"]])
    await _put(node, stream, config, key, records)


def _facts(stream: Stream, config: Config, batch: Batch, *, error_type: str = "", partition: str = "") -> Facts:
    keys: dict[str, dict[str, str]] = orjson.loads(partition) if partition else {}
    zone = config.get("CustomTimeZone") or stream["destination"].get("CustomTimeZone") or "UTC"
    return Facts(
        time=prefixes.time_at(batch.oldest_ms, zone),
        random=batch.id.replace("-", "")[-_RANDOM_CHARS:],
        error_type=error_type,
        from_query=keys.get("query", {}),
        from_lambda=keys.get("lambda", {}),
    )


def _name(stream: Stream, facts: Facts, batch: Batch, extension: str) -> str:
    return prefixes.object_name(stream["name"], stream["version"], facts.time, batch.id, extension)


async def _put(node: Node, stream: Stream, config: Config, key: str, records: list[Record]) -> None:
    data = b"".join(record.data for record in records)
    compressed = partial(compression.compress, config["CompressionFormat"], data, key.rpartition("/")[2])
    data = await asyncio.to_thread(compressed) if len(data) > _THREAD_BYTES else compressed()
    params: Config = {
        "Bucket": config["BucketARN"].rpartition(":")[2],
        "Key": key,
        "Body": Body.of(data),
        "ContentType": "application/octet-stream",
    }
    encryption = (config.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig")
    if encryption:
        params |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption["AWSKMSKeyARN"]}
    try:
        await acting.call(node, stream, config["RoleARN"], "s3", "PutObject", params)
    except ServiceError as error:
        raise DeliveryFailed(f"S3.{error.code}", error.message or error.code) from error
