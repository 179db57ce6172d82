"""Access points: documents of an account and region, found also by what stands for a bucket in requests: ARN, host name, alias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tule.core import arn
from tule.store.documents import Documents
from tule.store.store import Tx

_POINTS = Documents("s3.access-point")
_ALIAS_END = "-s3alias"


class AccessPoint(NamedTuple):
    account: str
    region: str
    name: str
    config: Mapping[str, Any]  # Bucket, BucketAccount, Alias, Created, Block, and where it has them Vpc, Policy, Tags

    @property
    def arn(self) -> str:
        return arn.arn("s3", self.region, self.account, f"accesspoint/{self.name}")

    @property
    def origin(self) -> str:
        return "VPC" if "Vpc" in self.config else "Internet"


def create(tx: Tx, point: AccessPoint) -> bool:
    """False, and nothing changed, when the name is taken."""
    if not _POINTS.create(tx, point.account, point.region, point.name, point.config):
        return False
    for alias in (point.config["Alias"], f"{point.name}-{point.account}"):
        _POINTS.alias(tx, point.account, point.region, point.name, alias)
    return True


def find(tx: Tx, account: str, region: str, name: str) -> AccessPoint | None:
    config = _POINTS.get(tx, account, region, name)
    return None if config is None else AccessPoint(account, region, name, config)


def configure(tx: Tx, point: AccessPoint, **changes: Any) -> None:
    """None removes one."""
    config = {name: value for name, value in {**point.config, **changes}.items() if value is not None}
    _POINTS.put(tx, point.account, point.region, point.name, config)


def delete(tx: Tx, point: AccessPoint) -> None:
    _POINTS.delete(tx, point.account, point.region, point.name)


def page(tx: Tx, account: str, region: str, after: str, limit: int) -> list[AccessPoint]:
    return [AccessPoint(account, region, key, config) for key, config in _POINTS.page(tx, account, region, after=after, limit=limit)]


def looks_like_one(name: str) -> bool:
    """Whether what stands for a bucket can only, or may, be an access point."""
    return name.startswith("arn:") or name.endswith(_ALIAS_END) or (name[-12:].isdigit() and name[-13:-12] == "-")


def named(tx: Tx, name: str) -> AccessPoint | None:
    """The access point that stands for a bucket in a request: an ARN, an alias, or `<name>-<account>`."""
    if not name.startswith("arn:"):
        found = _POINTS.by_alias(tx, name)
        return None if found is None else AccessPoint(*found)
    if not arn.is_arn(name):
        return None
    parsed = arn.parse(name)
    kind, _, rest = parsed.resource.replace(":", "/").partition("/")
    return find(tx, parsed.account, parsed.region, rest) if kind == "accesspoint" else None
