"""Rows of server certificates, by lower-cased name.  AWS: IAM user guide, Manage server certificates in IAM."""

from __future__ import annotations

from tule.services.iam import errors
from tule.services.iam.holdings import Shelf, Thing
from tule.store.documents import Documents
from tule.store.store import Tx

CERTIFICATES = Documents("iam.server-certificate")


SHELF = Shelf(
    CERTIFICATES,
    missing=lambda name: errors.no_such_entity(f"The Server Certificate with name {name} cannot be found."),
    taken=lambda name: errors.already_exists(f"The Server Certificate with name {name} already exists."),
)


def every(tx: Tx, account: str) -> list[Thing]:
    return SHELF.every(tx, account)
