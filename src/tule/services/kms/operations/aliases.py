"""CreateAlias, UpdateAlias, DeleteAlias, ListAliases.  AWS: KMS API reference."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core.errors import validation
from tule.platform.call import Call
from tule.platform.service import Params, reads
from tule.services.kms import changing, errors, listing, names, state
from tule.services.kms.names import Ref
from tule.services.kms.state import Document
from tule.store.store import Tx

_MAX_ALIASES = 50


def create_alias(call: Call, tx: Tx, params: Params) -> None:
    name = _checked(params)
    ref, document = _target(call, tx, params)
    arn = arns.arn("kms", call.region, call.account, name)
    if len(document["aliases"]) >= _MAX_ALIASES:
        raise errors.limit_exceeded(f"{names.arn_of(ref)} has the maximum number of aliases.")
    if not state.ALIASES.create(tx, call.account, call.region, name, {"key": ref.id, "created_ms": tx.now_ms, "updated_ms": tx.now_ms}):
        raise errors.alias_exists(arn)
    changing.put(tx, ref, {**document, "aliases": sorted([*document["aliases"], name])})


def _checked(params: Params) -> str:
    name: str = params["AliasName"]
    if not name.startswith(names.ALIAS) or name == names.ALIAS:
        raise errors.no_alias_name()
    if name.startswith(names.MANAGED):
        raise errors.reserved_alias()
    if ":" in name:
        raise errors.invalid_alias(name)
    return name


def _target(call: Call, tx: Tx, params: Params) -> tuple[Ref, Document]:
    text = params["TargetKeyId"]
    if names.is_alias(text):
        raise errors.alias_of_alias()
    return changing.staying(call, tx, text)


def update_alias(call: Call, tx: Tx, params: Params) -> None:
    name = _checked(params)
    alias = _alias(call, tx, name)
    ref, document = _target(call, tx, params)
    if alias["key"] == ref.id:
        return
    old = state.key(tx, call.account, call.region, alias["key"])
    if old is not None:
        _check_alike(old, document)
        changing.put(tx, Ref(call.account, call.region, old["id"]), {**old, "aliases": [other for other in old["aliases"] if other != name]})
    state.ALIASES.put(tx, call.account, call.region, name, {**alias, "key": ref.id, "updated_ms": tx.now_ms})
    changing.put(tx, ref, {**document, "aliases": sorted([*document["aliases"], name])})


def _check_alike(old: Document, new: Document) -> None:
    """An alias stays with keys of one kind and usage.  AWS: API reference, UpdateAlias."""
    if old["usage"] != new["usage"] or old["spec"].partition("_")[0] != new["spec"].partition("_")[0]:
        kinds = f"from usage {old['usage']} and spec {old['spec']} to usage {new['usage']} and spec {new['spec']}"
        raise validation(f"An alias cannot be moved {kinds}.")


def _alias(call: Call, tx: Tx, name: str) -> Document:
    alias = state.ALIASES.get(tx, call.account, call.region, name)
    if alias is None:
        raise errors.no_alias(arns.arn("kms", call.region, call.account, name))
    return alias


def delete_alias(call: Call, tx: Tx, params: Params) -> None:
    name = _checked(params)
    alias = _alias(call, tx, name)
    state.ALIASES.delete(tx, call.account, call.region, name)
    document = state.key(tx, call.account, call.region, alias["key"])
    if document is not None:
        ref = Ref(call.account, call.region, alias["key"])
        changing.put(tx, ref, {**document, "aliases": [other for other in document["aliases"] if other != name]})


@reads
def list_aliases(call: Call, tx: Tx, params: Params) -> dict[str, Any]:
    after = listing.after(call, params)
    if "KeyId" in params:
        ref, document = changing.held(call, tx, params["KeyId"])
        named = [name for name in document["aliases"] if name > after]
        rows = [(name, alias) for name in named if (alias := state.ALIASES.get(tx, ref.account, ref.region, name)) is not None]
    else:
        rows = state.ALIASES.page(tx, call.account, call.region, after=after, limit=listing.limit(params) + 1)
    return listing.answer(call, params, "Aliases", rows, lambda row: row[0], lambda row: _shown(call, *row))


def _shown(call: Call, name: str, alias: Document) -> dict[str, Any]:
    return {
        "AliasName": name,
        "AliasArn": arns.arn("kms", call.region, call.account, name),
        "TargetKeyId": alias["key"],
        "CreationDate": alias["created_ms"] / 1000,
        "LastUpdatedDate": alias["updated_ms"] / 1000,
    }
