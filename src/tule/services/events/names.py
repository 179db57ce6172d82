"""Names and ARNs: buses, rules, and what else EventBridge keeps.

AWS: Service authorization reference, Amazon EventBridge.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tule.core import arn as arns
from tule.platform.call import Call

DEFAULT_BUS = "default"


class BusRef(NamedTuple):
    """An event bus, whether it is there or not."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return arns.arn("events", self.region, self.account, f"event-bus/{self.name}")

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT_BUS


def bus(call: Call, name_or_arn: str | None) -> BusRef:
    """The bus that a parameter names; the default bus when it names none."""
    return bus_of(name_or_arn or DEFAULT_BUS, call.account, call.region)


def bus_of(name_or_arn: str, account: str, region: str) -> BusRef:
    if not arns.is_arn(name_or_arn):
        return BusRef(account, region, name_or_arn)
    parsed = arns.parse(name_or_arn)
    return BusRef(parsed.account or account, parsed.region or region, parsed.resource.removeprefix("event-bus/"))


def rule_arn(bus: BusRef, rule: str) -> str:
    path = rule if bus.is_default else f"{bus.name}/{rule}"
    return arns.arn("events", bus.region, bus.account, f"rule/{path}")


@lru_cache(4096)
def rule_of(arn: str) -> tuple[BusRef, str]:
    """The bus and the name of the rule with this ARN."""
    parsed = arns.parse(arn)
    path, _, name = parsed.resource.removeprefix("rule/").rpartition("/")
    return BusRef(parsed.account, parsed.region, path or DEFAULT_BUS), name
