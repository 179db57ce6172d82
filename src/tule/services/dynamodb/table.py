"""What a table is, as every operation sees it.

A table's settings are one document (`config`); what reads and writes of items need of them stands out in fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tule.core.arn import arn

Config = Mapping[str, Any]

CREATING = "CREATING"
ACTIVE = "ACTIVE"
UPDATING = "UPDATING"
DELETING = "DELETING"

ALL = "ALL"
KEYS_ONLY = "KEYS_ONLY"
INCLUDE = "INCLUDE"


def table_arn(account: str, region: str, name: str) -> str:
    return arn("dynamodb", region, account, f"table/{name}")


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of the key attributes.  Tables and local indexes have one and at most one, global indexes up to four each."""

    hash: tuple[str, ...]
    range: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return self.hash + self.range


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index.  Its id is no other index's or table's, ever.

    From CREATING on every write of an item keeps it; it is read from ACTIVE on.  What is DELETING is not kept any more.
    """

    id: int
    name: str
    arn: str
    is_global: bool
    keys: Keys
    projection: str  # ALL, KEYS_ONLY or INCLUDE
    included: frozenset[str]  # attributes besides the keys, for INCLUDE
    status: str
    backfilling: bool
    read_units: int  # 0 on demand, and for local indexes
    write_units: int
    config: Config  # as stored, for what only descriptions show

    @property
    def is_kept(self) -> bool:
        """Whether writes of items maintain it."""
        return self.status != DELETING

    @property
    def is_readable(self) -> bool:
        return self.status in (ACTIVE, UPDATING)


@dataclass(frozen=True)
class Table:
    """`version` grows with every change of the table.  `types` gives S, N or B for every attribute of a key."""

    id: int
    account: str
    region: str
    name: str
    arn: str
    status: str
    keys: Keys
    types: Mapping[str, str]
    indexes: tuple[Index, ...]
    stream_view: str | None  # None: no stream is enabled
    stream_label: str | None  # of the latest stream, which may be disabled
    stream_arn: str | None
    ttl_attribute: str | None  # None: time to live is not enabled
    journal: bool  # whether point-in-time recovery keeps every change
    on_demand: bool
    read_units: int
    write_units: int
    policy: str | None
    tags: Mapping[str, str]
    created_ms: int
    replicas: tuple[str, ...]  # regions of the global table's other replicas
    destinations: tuple[str, ...]  # ARNs of the Kinesis streams that get its changes
    version: int
    config: Config

    @property
    def uuid(self) -> str:
        """TableId."""
        return self.config["uuid"]

    @property
    def is_usable(self) -> bool:
        """Whether its items may be read and written: not while it is made, restored, imported or deleted."""
        return self.status not in (CREATING, DELETING)

    @cached_property
    def key_kinds(self) -> tuple[tuple[str, str], ...]:
        """Names and types of its key's attributes."""
        return tuple((name, self.types[name]) for name in self.keys.all)

    @cached_property
    def kept_indexes(self) -> tuple[Index, ...]:
        """Those that a write of an item maintains."""
        return tuple(index for index in self.indexes if index.is_kept)

    @cached_property
    def local_indexes(self) -> tuple[int, ...]:
        """Ids of its local indexes, which live as long as the table."""
        return tuple(index.id for index in self.indexes if not index.is_global)

    @cached_property
    def records_changes(self) -> bool:
        """Whether anybody wants to hear of changes of its items."""
        return bool(self.stream_view or self.keeps_journal or self.replicas or self.destinations)

    @cached_property
    def keeps_journal(self) -> bool:
        """Whether every change is kept: for point-in-time recovery, or while a backup or an export is under way (`pins.py`)."""
        return self.journal or bool(self.config.get("pins"))

    def index(self, name: str) -> Index | None:
        return next((index for index in self.indexes if index.name == name), None)


def of_config(id: int, account: str, region: str, name: str, version: int, config: Config) -> Table:
    """A table of its row."""
    own_arn = table_arn(account, region, name)
    label = config.get("stream_label")
    return Table(
        id=id,
        account=account,
        region=region,
        name=name,
        arn=own_arn,
        status=config["status"],
        keys=_keys(config),
        types=config["types"],
        indexes=tuple(_index(own_arn, one) for one in config["indexes"]),
        stream_view=config.get("stream_view"),
        stream_label=label,
        stream_arn=f"{own_arn}/stream/{label}" if label else None,
        ttl_attribute=config.get("ttl_attribute"),
        journal=config.get("journal", False),
        on_demand=config["on_demand"],
        read_units=config["read_units"],
        write_units=config["write_units"],
        policy=config.get("policy"),
        tags=config.get("tags") or {},
        created_ms=config["created_ms"],
        replicas=tuple(config.get("replicas") or ()),
        destinations=tuple(config.get("destinations") or ()),
        version=version,
        config=config,
    )


def _keys(config: Config) -> Keys:
    return Keys(tuple(config["hash"]), tuple(config["range"]))


def _index(own_arn: str, config: Config) -> Index:
    return Index(
        id=config["id"],
        name=config["name"],
        arn=f"{own_arn}/index/{config['name']}",
        is_global=config["is_global"],
        keys=_keys(config),
        projection=config["projection"],
        included=frozenset(config.get("included") or ()),
        status=config["status"],
        backfilling=config.get("backfilling", False),
        read_units=config.get("read_units", 0),
        write_units=config.get("write_units", 0),
        config=config,
    )
