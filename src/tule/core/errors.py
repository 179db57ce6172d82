"""Errors that clients see.  A service names its own in its `errors.py`; these are the ones that every service shares.

AWS: Common Errors, https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """An answer that is an error: `code` and `message` are AWS's own, `status` the HTTP status.

    `fields` are further members of the error's shape (for S3 `BucketName`, for a transaction `CancellationReasons`);
    `headers` are added to the HTTP answer.  `fault` says whose mistake it was and follows from the status.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        status: int = 400,
        *,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields: dict[str, Any] = dict(fields or {})
        self.headers: dict[str, str] = dict(headers or {})

    @property
    def fault(self) -> str:
        """`Sender` or `Receiver`, as the query protocol says it."""
        return "Sender" if self.status < 500 else "Receiver"


def not_implemented(service: str, operation: str | None = None) -> ServiceError:
    """What is not built answers so, naming itself; never with an invented success."""
    what = f"{service}.{operation}" if operation else f"The service {service}"
    return ServiceError("NotImplemented", f"{what} is not implemented by Tule yet.", 501)


def internal_failure() -> ServiceError:
    return ServiceError("InternalFailure", "The request processing has failed because of an unknown error, exception or failure.", 500)


def service_unavailable(why: str) -> ServiceError:
    """The node cannot do it now: a full disk, a lost database.  Clients try again, as they do with AWS's own 503."""
    return ServiceError("ServiceUnavailable", f"The service is unavailable. Please try again. ({why})", 503)


def validation(message: str) -> ServiceError:
    """`ValidationException`: JSON services' refusal of a bad input."""
    return ServiceError("ValidationException", message, 400)
