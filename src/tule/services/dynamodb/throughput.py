"""Billing modes and units: what tables and global indexes are given, how they may change, and what is warm.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tule.core.errors import ServiceError
from tule.services.dynamodb import errors

Params = Mapping[str, Any]

PER_REQUEST = "PAY_PER_REQUEST"
PROVISIONED = "PROVISIONED"
MAX_UNITS = 1_000_000_000_000
TABLE_UNITS = 40_000
ACCOUNT_UNITS = 80_000
WARM_ON_DEMAND = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000}
FREE_DECREASES = 4  # a day; further ones come an hour apart
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def check_new(params: Params) -> None:
    """Of CreateTable.  Raises ValidationException."""
    indexes: Sequence[Params] = params.get("GlobalSecondaryIndexes") or ()
    if params.get("BillingMode", PROVISIONED) == PER_REQUEST:
        if "ProvisionedThroughput" in params:
            raise errors.parameter_values("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
        check_no_index_units(indexes)
        return
    if "ProvisionedThroughput" not in params:
        raise errors.parameter_values("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    check_units(params["ProvisionedThroughput"])
    for index in indexes:
        check_index_units(index)
    _check_no_maximum(params, "table")


def check_no_index_units(indexes: Sequence[Params]) -> None:
    """Raises ValidationException."""
    for index in indexes:
        if "ProvisionedThroughput" in index:
            raise errors.parameter_values(
                f"ProvisionedThroughput should not be specified for index: {index['IndexName']} when BillingMode is PAY_PER_REQUEST"
            )


def check_index_units(index: Params) -> None:
    """Of an index of a provisioned table.  Raises ValidationException."""
    if "ProvisionedThroughput" not in index:
        raise errors.parameter_values(f"ProvisionedThroughput must be specified for index: {index['IndexName']}")
    check_units(index["ProvisionedThroughput"])


def _check_no_maximum(params: Params, what: str) -> None:
    if "OnDemandThroughput" in params:
        raise errors.parameter_values(f"OnDemandThroughput can only be specified for a {what} when BillingMode is PAY_PER_REQUEST")


def check_units(units: Params) -> None:
    """Raises ValidationException."""
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if units[name] > MAX_UNITS:
            raise errors.validation(f"Given value {units[name]} for {name} is out of bounds")


def check_limits(changed: Sequence[tuple[int, int]], in_account: tuple[int, int]) -> None:
    """The quotas of a table (with its indexes) and of an account.  Raises LimitExceededException."""
    for place, name in enumerate(("ReadCapacityUnits", "WriteCapacityUnits")):
        wanted = sum(units[place] for units in changed)
        if wanted > TABLE_UNITS:
            raise errors.subscriber_limit(f"The requested {name} of {wanted} exceeds the limit of {TABLE_UNITS} per table.")
        if wanted + in_account[place] > ACCOUNT_UNITS:
            raise errors.subscriber_limit(f"Provisioned {name} of {wanted + in_account[place]} exceed the limit of {ACCOUNT_UNITS} per account.")


def check_different(config: Params, units: Params, kind: str, name: str = "") -> None:
    """Raises ValidationException for units that are what they were."""
    wanted = (units["ReadCapacityUnits"], units["WriteCapacityUnits"])
    if wanted != (config["read_units"], config["write_units"]):
        return
    of = f" {name}" if name else ""
    raise errors.validation(
        f"The provisioned throughput for the {kind}{of} will not change. The requested value equals the current value."
        f" Current ReadCapacityUnits provisioned for the {kind}: {wanted[0]}. Requested ReadCapacityUnits: {wanted[0]}."
        f" Current WriteCapacityUnits provisioned for the {kind}: {wanted[1]}. Requested WriteCapacityUnits: {wanted[1]}."
        " Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )


def changed(config: Params, units: Params, now_ms: int, *, limited: bool) -> dict[str, Any]:
    """A table's or an index's settings with new units, and when they last grew and shrank.  Raises LimitExceededException."""
    new = {"read_units": units["ReadCapacityUnits"], "write_units": units["WriteCapacityUnits"]}
    if any(new[name] < config[name] for name in new):
        today = decreases_today(config, now_ms)
        if limited:
            _check_decrease(today, now_ms)
        new["decreases"] = [*today, now_ms]
    if any(new[name] > config.get(name, 0) for name in ("read_units", "write_units")):
        new["increased_ms"] = now_ms
    return new


def decreases_today(config: Params, now_ms: int) -> list[int]:
    """When units shrank in this UTC day."""
    midnight = now_ms - now_ms % DAY_MS
    return [ms for ms in config.get("decreases") or () if ms >= midnight]


def _check_decrease(today: Sequence[int], now_ms: int) -> None:
    if len(today) >= FREE_DECREASES and now_ms - today[-1] < HOUR_MS:
        raise _too_many_decreases(today)


def _too_many_decreases(today: Sequence[int]) -> ServiceError:
    return errors.subscriber_limit(
        "Provisioned throughput decreases are limited within a given UTC day."
        f" After the first {FREE_DECREASES} decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds."
        f" Number of decreases today: {len(today)}. Last decrease at {_said(today[-1])}. Next decrease can be made at {_said(today[-1] + HOUR_MS)}."
    )


def _said(ms: int) -> str:
    when = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{when:%A, %B} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S %p} UTC"


def shown(config: Params, now_ms: int) -> dict[str, Any]:
    """ProvisionedThroughputDescription."""
    found: dict[str, Any] = {
        "NumberOfDecreasesToday": len(decreases_today(config, now_ms)),
        "ReadCapacityUnits": config.get("read_units", 0),
        "WriteCapacityUnits": config.get("write_units", 0),
    }
    if config.get("decreases"):
        found["LastDecreaseDateTime"] = config["decreases"][-1] / 1000
    if "increased_ms" in config:
        found["LastIncreaseDateTime"] = config["increased_ms"] / 1000
    return found


def warm(config: Params, *, on_demand: bool, status: str) -> dict[str, Any]:
    """What a table or an index can serve at once: as much as was asked for, and at least what its mode gives."""
    floor = WARM_ON_DEMAND if on_demand else {"ReadUnitsPerSecond": config["read_units"], "WriteUnitsPerSecond": config["write_units"]}
    asked: Params = config.get("warm") or {}
    return {**{name: max(asked.get(name, 0), floor[name]) for name in ("ReadUnitsPerSecond", "WriteUnitsPerSecond")}, "Status": status}


def check_warm_new(params: Params) -> None:
    """Of CreateTable.  Raises ValidationException."""
    on_demand = params.get("BillingMode", PROVISIONED) == PER_REQUEST
    for what, given in (("table", params), *(("index", index) for index in params.get("GlobalSecondaryIndexes") or ())):
        _check_warm(what, given, WARM_ON_DEMAND if on_demand else {})


def _check_warm(what: str, given: Params, floor: Mapping[str, int]) -> None:
    asked: Params = given.get("WarmThroughput") or {}
    for name, units in asked.items():
        if units < max(1, floor.get(name, 1)):
            raise errors.parameter_values(f"Requested {name} for WarmThroughput for {what} is lower than the minimum of {max(1, floor.get(name, 1))}")


def check_warm_grows(what: str, given: Params, now: Params) -> None:
    """Of UpdateTable; `now` is what is warm.  Raises ValidationException."""
    asked: Params = given.get("WarmThroughput") or {}
    for name, units in asked.items():
        if units < now[name]:
            raise errors.parameter_values(
                f"Requested {name} for WarmThroughput for {what} is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
            )
