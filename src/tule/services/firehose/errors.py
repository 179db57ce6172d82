"""Firehose's errors, with AWS's codes and texts.  AWS: Amazon Data Firehose API reference."""

from __future__ import annotations

from tule.core.errors import ServiceError


def invalid_argument(message: str) -> ServiceError:
    return ServiceError("InvalidArgumentException", message, 400)


def no_stream(name: str, account: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"Firehose {name} under account {account} not found.", 400)


def stream_exists(name: str, account: str) -> ServiceError:
    return ServiceError("ResourceInUseException", f"Firehose {name} under accountId {account} already exists", 400)


def other_version(given: str, current: str) -> ServiceError:
    said = f"Cannot update firehose: the given version id {given} does not match the current version id {current}."
    return ServiceError("ConcurrentModificationException", said, 400)


def encryption_in_use(name: str, account: str, status: str) -> ServiceError:
    return ServiceError("ResourceInUseException", f"Encryption of firehose {name} under account {account} is {status}.", 400)


def key_refused(code: str, message: str) -> ServiceError:
    """KMS refuses the stream's key; `code` is KMS's."""
    return ServiceError("InvalidKMSResourceException", message, 400, fields={"code": code})
