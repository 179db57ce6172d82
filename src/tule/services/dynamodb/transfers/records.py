"""The kinds of transfers' documents, and how they are listed.  Exports, imports and bulk operations are kept alike.

A document has what descriptions show (`shown`), who asked and where (`arn`, `table_id`), and how far it is (`progress`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tule.core.paging import Pager, page
from tule.services.dynamodb import errors
from tule.store.documents import Documents
from tule.store.store import Tx

EXPORTS = Documents("dynamodb.export")
EXPORT_FILES = Documents("dynamodb.export-file")
IMPORTS = Documents("dynamodb.import")
BULKS = Documents("dynamodb.bulk")

Record = dict[str, Any]


def number(tx: Tx) -> str:
    """Of a transfer: ordered by time."""
    return f"{tx.now_ms:014d}-{tx.ids.hex(8)}"


def claim(tx: Tx, kind: Documents, account: str, region: str, key: str, token: str | None) -> None:
    """Remember a client's token."""
    if token is not None:
        kind.alias(tx, account, region, key, f"{account} {region} {token}")


def claimed(
    tx: Tx, kind: Documents, account: str, region: str, token: str | None, asked: Mapping[str, Any], conflict: Callable[[], Exception]
) -> Record | None:
    """What was begun with this token before.  Raises `conflict()` when it was asked for otherwise."""
    found = None if token is None else kind.by_alias(tx, f"{account} {region} {token}")
    if found is None:
        return None
    if found[3]["asked"] != asked:
        raise conflict()
    return found[3]


def listing(
    tx: Tx, pager: Pager, kind: Documents, account: str, region: str, wanted: Callable[[Record], bool], token: str | None, limit: int
) -> tuple[list[Record], str | None]:
    """A page of those that are wanted, newest first, and the token of the next."""
    after = pager.after(kind.kind, token, lambda: errors.validation("Invalid NextToken"))
    everything = [(key, body) for key, body in reversed(kind.page(tx, account, region)) if wanted(body) and (not after or key < after)]
    shown, last = page(everything, limit, lambda row: row[0])
    return [body for _, body in shown], None if last is None else pager.token(kind.kind, last)
