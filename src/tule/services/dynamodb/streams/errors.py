"""DynamoDB Streams' errors, with AWS's codes and texts."""

from __future__ import annotations

from tule.core.errors import ServiceError
from tule.services.dynamodb.errors import not_found, validation


def stream_not_found(arn: str) -> ServiceError:
    return not_found(f"Requested resource not found: Stream: {arn} not found")


def shard_not_found(shard: str, arn: str) -> ServiceError:
    return not_found(f"Requested resource not found: Shard: {shard} in stream: {arn} not found")


def invalid_stream_arn() -> ServiceError:
    return validation("Invalid StreamArn")


def invalid_iterator() -> ServiceError:
    return validation("Invalid ShardIterator")


def expired_iterator() -> ServiceError:
    return ServiceError("ExpiredIteratorException", "Iterator expired. The iterator was created at time more than 15 minutes ago", 400)


def trimmed() -> ServiceError:
    return ServiceError("TrimmedDataAccessException", "The requested sequence number is beyond the trim horizon.", 400)


def too_high(member: str, value: int, limit: int) -> ServiceError:
    text = f"Value '{value}' at '{member}' failed to satisfy constraint: Member must have value less than or equal to {limit}"
    return validation(f"1 validation error detected: {text}")
