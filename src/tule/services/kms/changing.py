"""Changing a key: its document as it stands in the store, and what must be told to the other regions of a multi-region key."""

from __future__ import annotations

from tule.core.errors import validation
from tule.platform.call import Call
from tule.services.kms import errors, names, state
from tule.services.kms.names import Ref
from tule.services.kms.state import Document
from tule.store.store import Tx

_LEAVING = {"PendingDeletion": "pending deletion", "PendingReplicaDeletion": "pending replica deletion"}


def held(call: Call, tx: Tx, text: str) -> tuple[Ref, Document]:
    """The key that a call changes, by its id or ARN.  Raises NotFoundException, InvalidArnException."""
    ref = names.parse(text, call.account, call.region)
    if ref.is_alias:
        raise errors.invalid_key_id(text)
    document = state.key(tx, ref.account, ref.region, ref.id)
    if document is None:
        raise errors.no_key(names.arn_of(ref))
    return ref, document


def staying(call: Call, tx: Tx, text: str) -> tuple[Ref, Document]:
    """As `held`, of a key that is not about to be deleted.  Raises KMSInvalidStateException, too."""
    ref, document = held(call, tx, text)
    if document["state"] in _LEAVING:
        raise errors.invalid_state(names.arn_of(ref), _LEAVING[document["state"]])
    return ref, document


def usable(call: Call, tx: Tx, text: str) -> tuple[Ref, Document]:
    """As `staying`, of a key that is enabled.  Raises DisabledException, too."""
    ref, document = staying(call, tx, text)
    if document["state"] == "Disabled":
        raise errors.disabled(names.arn_of(ref))
    if document["state"] == "PendingImport":
        raise errors.invalid_state(names.arn_of(ref), "pending import")
    return ref, document


def put(tx: Tx, ref: Ref, document: Document) -> None:
    state.put_key(tx, ref.account, ref.region, document)


def related(document: Document) -> list[str]:
    """All regions of a multi-region key."""
    return [document["primary"], *document["replicas"]] if document.get("primary") else []


def put_everywhere(tx: Tx, ref: Ref, document: Document, shared: tuple[str, ...]) -> None:
    """Keep a key, and in its other regions the members that all of them share."""
    put(tx, ref, document)
    for region in related(document):
        other = state.key(tx, ref.account, region, ref.id) if region != ref.region else None
        if other is not None:
            put(tx, Ref(ref.account, region, ref.id), {**other, **{name: document[name] for name in shared if name in document}})


def check_primary(ref: Ref, document: Document) -> None:
    """Raises UnsupportedOperationException for what is no multi-region primary key."""
    if document.get("primary") != ref.region:
        raise errors.unsupported(f"{names.arn_of(ref)} is not a multi-region primary key.")


def check_days(days: int, least: int, most: int, name: str) -> None:
    if not least <= days <= most:
        raise validation(f"{name} must be between {least} and {most} (inclusive).")
