"""Kinesis's errors, with AWS's codes and texts.  AWS: Kinesis Data Streams API reference, Common Errors."""

from __future__ import annotations

from datetime import UTC, datetime

from tule.core.errors import ServiceError


def invalid_argument(message: str) -> ServiceError:
    return ServiceError("InvalidArgumentException", message, 400)


def validation(message: str) -> ServiceError:
    return ServiceError("ValidationException", message, 400)


def not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 400)


def in_use(message: str) -> ServiceError:
    return ServiceError("ResourceInUseException", message, 400)


def limit_exceeded(message: str) -> ServiceError:
    return ServiceError("LimitExceededException", message, 400)


def no_stream(name: str, account: str) -> ServiceError:
    return not_found(f"Stream {name} under account {account} not found.")


def stream_exists(name: str, account: str) -> ServiceError:
    return in_use(f"Stream {name} under account {account} already exists.")


def no_shard(shard_id: str, name: str, account: str) -> ServiceError:
    return not_found(f"Could not find shard {shard_id} in stream {name} under account {account}.")


def no_consumer(what: str, account: str) -> ServiceError:
    return not_found(f"Consumer {what}, account {account} not found.")


def no_queue(name: str, account: str) -> ServiceError:
    return not_found(f"Queue {name} under account {account} not found.")


def queue_exists(name: str, account: str) -> ServiceError:
    return in_use(f"Queue {name} under account {account} already exists.")


def null_member(member: str) -> ServiceError:
    return validation(f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null")


def bad_constraint(member: str, value: object, rule: str) -> ServiceError:
    return validation(f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}")


def no_stream_named() -> ServiceError:
    return invalid_argument("Either StreamARN or StreamName must be provided.")


def dry_run() -> ServiceError:
    return ServiceError("DryRunOperationException", "The request was rejected because the DryRun parameter was specified.", 400)


def rate_exceeded(shard_id: str, name: str, account: str) -> ServiceError:
    return ServiceError("ProvisionedThroughputExceededException", rate_exceeded_text(shard_id, name, account), 400)


def rate_exceeded_text(shard_id: str, name: str, account: str) -> str:
    return f"Rate exceeded for shard {shard_id} in stream {name} under account {account}."


def expired_iterator(made_ms: int, now_ms: int, tolerated_ms: int) -> ServiceError:
    return ServiceError(
        "ExpiredIteratorException",
        f"Iterator expired. The iterator was created at time {_date(made_ms)} while right now it is {_date(now_ms)}"
        f" which is further in the future than the tolerated delay of {tolerated_ms} milliseconds.",
        400,
    )


def expired_token() -> ServiceError:
    return ServiceError("ExpiredNextTokenException", "The specified NextToken is expired.", 400)


def shard_limit(account: str, region: str, current: int, limit: int, additional: int) -> ServiceError:
    return limit_exceeded(
        f"This request would exceed the shard limit for the account {account} in {region}. Current shard count for the account: {current}."
        f" Limit: {limit}. Number of additional shards that would have resulted from this request: {additional}."
        " Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html)"
        " for current limits and how to request higher limits."
    )


def _date(at_ms: int) -> str:
    """As Java writes a date."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


def key_refused(kind: str, message: str) -> ServiceError:
    """KMS refuses the stream's key; `kind` is such as `AccessDenied`."""
    return ServiceError(f"KMS{kind}Exception", message, 400)
