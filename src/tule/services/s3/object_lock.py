"""Object Lock: the bucket's configuration, retention and legal holds of versions, and what they forbid.

A version's lock is kept as JSON: `mode`, `until` (milliseconds), `hold`.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from tule.core.errors import ServiceError
from tule.services.s3 import errors
from tule.services.s3.state.buckets import Bucket

GOVERNANCE = "GOVERNANCE"
COMPLIANCE = "COMPLIANCE"
ENABLED: dict[str, Any] = {"ObjectLockEnabled": "Enabled"}
REQUEST = ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus")
_MODES = (GOVERNANCE, COMPLIANCE)
_DAY_MS = 86_400_000
_MOST_DAYS = 36_500
_MOST_YEARS = 100


class Lock(NamedTuple):
    """`until_ms` 0: no retention; `hold` is ON, OFF, or empty where it never was set."""

    mode: str = ""
    until_ms: int = 0
    hold: str = ""

    @property
    def text(self) -> str | None:
        """As it is stored; None when there is nothing to store."""
        if not self.mode and not self.hold:
            return None
        return orjson.dumps({"mode": self.mode, "until": self.until_ms, "hold": self.hold}).decode()


def parse(text: str | None) -> Lock:
    if text is None:
        return Lock()
    found = orjson.loads(text)
    return Lock(found["mode"], found["until"], found["hold"])


def is_on(bucket: Bucket) -> bool:
    return "ObjectLock" in bucket.config


def check_on(bucket: Bucket) -> None:
    """Raises InvalidRequest."""
    if not is_on(bucket):
        raise errors.invalid_request("Bucket is missing Object Lock Configuration")


# The bucket's configuration.


def checked(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Raises MalformedXML, InvalidRetentionPeriod or InvalidArgument."""
    if configuration.get("ObjectLockEnabled") != "Enabled":
        raise errors.malformed_xml()
    if "Rule" not in configuration:
        return dict(ENABLED)
    default = (configuration["Rule"] or {}).get("DefaultRetention") or {}
    days, years = default.get("Days"), default.get("Years")
    if default.get("Mode") not in _MODES or (days is None) == (years is None):
        raise errors.malformed_xml()
    if (days or years or 0) <= 0:
        raise ServiceError("InvalidRetentionPeriod", "Default retention period must be a positive integer value.", 400)
    if (days or 0) > _MOST_DAYS or (years or 0) > _MOST_YEARS:
        raise errors.invalid_argument("Default retention period too large.", "Days" if days else "Years", str(days or years))
    return {**ENABLED, "Rule": {"DefaultRetention": dict(default)}}


def needs_versioning() -> ServiceError:
    message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
    return ServiceError("InvalidBucketState", message, 409)


def versioning_stays() -> ServiceError:
    message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
    return ServiceError("InvalidBucketState", message, 409)


# New versions.


def of_write(params: Mapping[str, Any], bucket: Bucket, now_ms: int) -> str | None:
    """The lock of a new version: what its request asks for, or the bucket's default.  Raises InvalidArgument, InvalidRequest."""
    mode, until, hold = (params.get(name) for name in REQUEST)
    if mode is None and until is None and hold is None and "ObjectLock" not in bucket.config:
        return None
    check_headers(params)
    if (mode is not None or hold is not None) and not is_on(bucket):
        raise errors.invalid_request("Bucket is missing Object Lock Configuration")
    if mode is not None and until is not None:
        if until * 1000 <= now_ms:
            raise _past("x-amz-object-lock-retain-until-date", until)
        return Lock(mode, int(until * 1000), hold or "").text
    default = (bucket.config["ObjectLock"].get("Rule") or {}).get("DefaultRetention")
    if default is None:
        return Lock(hold=hold or "").text
    return Lock(default["Mode"], now_ms + _period_ms(default), hold or "").text


def check_headers(params: Mapping[str, Any]) -> None:
    """Of a write.  Raises InvalidArgument."""
    mode, until, hold = (params.get(name) for name in REQUEST)
    if mode is not None and mode not in _MODES:
        raise errors.invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    if (mode is None) != (until is None):
        missing = "x-amz-object-lock-mode" if mode is None else "x-amz-object-lock-retain-until-date"
        message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        raise errors.invalid_argument(message, missing)
    if hold is not None and hold not in ("ON", "OFF"):
        raise errors.invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)


def _period_ms(default: Mapping[str, Any]) -> int:
    return (default["Days"] if "Days" in default else default["Years"] * 365) * _DAY_MS


def _past(name: str, until: float) -> ServiceError:
    return errors.invalid_argument("The retain until date must be in the future!", name, str(until))


# Existing versions.


def told(lock: str | None) -> dict[str, Any]:
    """What reading an object says of it."""
    if lock is None:
        return {}
    found = parse(lock)
    members: dict[str, Any] = {}
    if found.mode:
        members |= {"ObjectLockMode": found.mode, "ObjectLockRetainUntilDate": found.until_ms / 1000}
    if found.hold:
        members["ObjectLockLegalHoldStatus"] = found.hold
    return members


def retained(old: Lock, retention: Mapping[str, Any], now_ms: int, *, bypass: bool) -> Lock:
    """The lock with another retention; an empty one takes it away.  Raises MalformedXML, InvalidArgument or AccessDenied."""
    mode, until = retention.get("Mode"), retention.get("RetainUntilDate")
    if (mode is None) != (until is None) or (mode is not None and mode not in _MODES):
        raise errors.malformed_xml()
    new = old._replace(mode=mode or "", until_ms=0 if until is None else int(until * 1000))
    if until is not None and new.until_ms <= now_ms:
        raise _past("RetainUntilDate", until)
    if old.until_ms > now_ms and _weakens(old, new) and not (old.mode == GOVERNANCE and bypass):
        raise protected()
    return new


def _weakens(old: Lock, new: Lock) -> bool:
    return new.until_ms < old.until_ms or new.mode != old.mode


def check_deletable(lock: str | None, now_ms: int, *, bypass: bool) -> None:
    """Of one version for good.  Raises AccessDenied."""
    if lock is None:
        return
    found = parse(lock)
    if found.hold == "ON" or (found.until_ms > now_ms and not (found.mode == GOVERNANCE and bypass)):
        raise protected()


def protected() -> ServiceError:
    return errors.access_denied("Access Denied because object protected by object lock.")
