"""Names of tables, and the ARNs that may stand in their place.

AWS: "You can also provide the Amazon Resource Name (ARN) of the table in this parameter", in every operation on a table.
"""

from __future__ import annotations

from typing import NamedTuple

from tule.core import arn
from tule.services.dynamodb import errors
from tule.services.dynamodb.table import table_arn


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


def table_ref(account: str, region: str, name_or_arn: str) -> TableRef:
    """The table that a request of this account and region names.  Raises ValidationException for what is no table's ARN."""
    if not name_or_arn.startswith("arn:"):
        return TableRef(account, region, name_or_arn)
    ref = resource_ref(name_or_arn)
    if ref is None or ref.kind != "table" or ref.table.region != region:
        raise errors.invalid_resource_arn(name_or_arn)
    return ref.table


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
