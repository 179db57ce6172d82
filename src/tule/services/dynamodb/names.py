"""Names of tables, and the ARNs that may stand in their place.

AWS: "You can also provide the Amazon Resource Name (ARN) of the table in this parameter", in every operation on a table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tule.core import arn
from tule.services.dynamodb import errors
from tule.services.dynamodb.table import table_arn

MIN_CHARS = 3
MAX_CHARS = 255
_NAME = re.compile(r"[a-zA-Z0-9_.-]+")


class TableRef(NamedTuple):
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return table_arn(*self)


class ResourceRef(NamedTuple):
    """A table, an index of it, a stream of it, a backup, an export or an import: what an ARN names."""

    table: TableRef
    kind: str  # "table", "index", "stream", "backup", "export", "import"
    id: str


@lru_cache(maxsize=2048)
def table_ref(account: str, region: str, name_or_arn: str) -> TableRef:
    """The table that a request of this account and region names.  Raises ValidationException for what names no table."""
    if not name_or_arn.startswith("arn:"):
        check_table_name(name_or_arn)
        return TableRef(account, region, name_or_arn)
    ref = resource_ref(name_or_arn)
    if ref is None or ref.kind != "table" or ref.table.region != region:
        raise errors.invalid_table_arn(name_or_arn)
    check_table_name(ref.table.name)
    return ref.table


def check_table_name(name: str) -> None:
    """Raises ValidationException."""
    if not MIN_CHARS <= len(name) <= MAX_CHARS:
        raise errors.validation(f"TableName must be at least {MIN_CHARS} characters long and at most {MAX_CHARS} characters long")
    if not _NAME.fullmatch(name):
        raise errors.constraint("tableName", name, f"Member must satisfy regular expression pattern: {_NAME.pattern}")


def resource_ref(text: str) -> ResourceRef | None:
    """None for what is no ARN of DynamoDB's.  Of a global table's ARN, which has no region, the table's name counts."""
    if not arn.is_arn(text):
        return None
    parsed = arn.parse(text) if text.split(":", 5)[5] else None
    if parsed is None or parsed.service != "dynamodb":
        return None
    parts = parsed.resource.split("/", 3)
    if parts[0] != "table" or len(parts) not in (2, 4) or not all(parts):
        return None
    table = TableRef(parsed.account, parsed.region, parts[1])
    return ResourceRef(table, "table", "") if len(parts) == 2 else ResourceRef(table, parts[2], parts[3])
