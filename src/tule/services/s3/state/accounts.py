"""What S3 keeps for an account as a whole: its blocking of public access, S3 Storage Lens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.services.s3.state import buckets
from tule.store.documents import Documents
from tule.store.store import Tx

_ACCOUNTS = Documents("s3.account")
_BLOCK = "PublicAccessBlock"
LENSES = Documents("s3.storage-lens")
LENS_GROUPS = Documents("s3.storage-lens-group")


def public_access_block(tx: Tx, account: str) -> dict[str, bool] | None:
    return (_ACCOUNTS.get(tx, account, "", account) or {}).get(_BLOCK)


def put_public_access_block(tx: Tx, account: str, block: Mapping[str, Any] | None) -> None:
    """Kept with each of the account's buckets, too, so that no request has to look it up."""
    _ACCOUNTS.put(tx, account, "", account, {_BLOCK: block} if block is not None else {})
    for bucket in buckets.page(tx, account, prefix="", after="", region=None, limit=1_000_000):
        buckets.configure(tx, bucket, AccountBlock=block)
