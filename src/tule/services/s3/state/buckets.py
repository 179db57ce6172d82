"""Buckets: one row each, all configuration in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from tule.services.s3 import errors, names
from tule.services.s3.state import access_points
from tule.services.s3.state.access_points import AccessPoint
from tule.store.store import Row, Tx

CHANGED = "s3.buckets"  # the topic of all that changes a bucket's row
COLUMNS = "name, id, account, region, created_ms, config"  # what `of_row` takes
_GET = f"SELECT {COLUMNS} FROM s3_buckets WHERE name = ?"
_INSERT = f"INSERT INTO s3_buckets ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_CONFIGURE = "UPDATE s3_buckets SET config = ? WHERE id = ? AND name = ?"
_DELETE = "DELETE FROM s3_buckets WHERE name = ?"
_PAGE = f"SELECT {COLUMNS} FROM s3_buckets WHERE account = ? AND name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?"
_PAGE_OF_REGION = f"SELECT {COLUMNS} FROM s3_buckets WHERE account = ? AND name > ? AND name >= ? AND name < ? AND region = ? ORDER BY name LIMIT ?"


class Bucket(NamedTuple):
    """`config` is shared between readers and never changed in place: see `configure`.  `point` is by which access point it was named."""

    name: str
    id: int
    account: str
    region: str
    created_ms: int
    config: Mapping[str, Any]
    point: AccessPoint | None = None

    @property
    def arn(self) -> str:
        return names.bucket_arn(self.region, self.name)

    @property
    def versioning(self) -> str:
        """`Enabled`, `Suspended`, or empty when it never was enabled."""
        return self.config.get("Versioning", "")


@lru_cache(maxsize=4096)
def _decoded(config: bytes) -> Mapping[str, Any]:
    return orjson.loads(config)


def of_row(row: Row) -> Bucket:
    return Bucket(row[0], row[1], row[2], row[3], row[4], _decoded(row[5]))


def find(tx: Tx, name: str) -> Bucket | None:
    row = tx.one(_GET, name)
    return None if row is None else of_row(row)


def get(tx: Tx, name: str) -> Bucket:
    """Raises NoSuchBucket."""
    row = tx.one(_GET, name)
    if row is None:
        return _behind(tx, name)
    return of_row(row)


def _behind(tx: Tx, name: str) -> Bucket:
    """The bucket behind an access point, where an access point's ARN, alias or host name stands for it."""
    point = access_points.named(tx, name) if access_points.looks_like_one(name) else None
    row = None if point is None else tx.one(_GET, point.config["Bucket"])
    if row is None:
        raise errors.no_such_bucket(name)
    return of_row(row)._replace(point=point)


def create(tx: Tx, name: str, account: str, region: str, config: Mapping[str, Any]) -> bool:
    """False, and nothing changed, when the name is taken."""
    number = int.from_bytes(tx.ids.bytes(8)) >> 1
    tx.wake(CHANGED)
    return tx.execute(_INSERT, name, number, account, region, tx.now_ms, orjson.dumps(config)) == 1


def configure(tx: Tx, bucket: Bucket, **changes: Any) -> None:
    """Set configurations by name; None removes one."""
    config = {**bucket.config, **changes}
    config = {name: value for name, value in config.items() if value is not None}
    tx.execute(_CONFIGURE, orjson.dumps(config), bucket.id, bucket.name)
    tx.wake(CHANGED)


def delete(tx: Tx, bucket: Bucket) -> None:
    tx.execute(_DELETE, bucket.name)
    tx.wake(CHANGED)


def page(tx: Tx, account: str, *, prefix: str, after: str, region: str | None, limit: int) -> list[Bucket]:
    """Buckets of an account in the order of their names."""
    end = names.after_all_with(prefix)
    if region is None:
        rows = tx.all(_PAGE, account, after, prefix, end, limit)
    else:
        rows = tx.all(_PAGE_OF_REGION, account, after, prefix, end, region, limit)
    return [of_row(row) for row in rows]
