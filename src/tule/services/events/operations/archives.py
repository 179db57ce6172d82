"""Archives.  AWS: EventBridge API reference, CreateArchive and its neighbours."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import archives, errors, rules, state
from tule.services.events.listing import paged
from tule.services.events.state import Record
from tule.store.store import Tx

Params = dict[str, Any]

FOREVER_MS = 1 << 62
_KEPT = (("Description", "description"), ("EventPattern", "pattern"), ("RetentionDays", "retention_days"), ("KmsKeyIdentifier", "kms_key"))


def create_archive(call: Call, tx: Tx, params: Params) -> Params:
    name = params["ArchiveName"]
    archives.require_bus(tx, call, params["EventSourceArn"])
    if params.get("EventPattern"):
        rules.compiled_pattern(params["EventPattern"])
    record: Record = {"bus": params["EventSourceArn"], "created_ms": call.now_ms, "retention_days": 0, **_given(params)}
    if not state.ARCHIVES.create(tx, call.account, call.region, name, record):
        raise errors.exists(f"Archive {name} already exists.")
    archives.feed(tx, call, name, record)
    return _state(call, name, record)


def _given(params: Params) -> Record:
    return {key: params[member] for member, key in _KEPT if member in params}


def _state(call: Call, name: str, record: Record) -> Params:
    return {
        "ArchiveArn": archives.arn(call.account, call.region, name),
        "State": rules.ENABLED,
        "CreationTime": record["created_ms"] / 1000,
    }


def update_archive(call: Call, tx: Tx, params: Params) -> Params:
    name = params["ArchiveName"]
    record = archives.get(tx, call, name)
    if params.get("EventPattern"):
        rules.compiled_pattern(params["EventPattern"])
    record |= _given(params)
    if record.get("kms_key") == "":
        del record["kms_key"]  # AWS's own key again
    state.ARCHIVES.put(tx, call.account, call.region, name, record)
    archives.feed(tx, call, name, record)
    return _state(call, name, record)


def delete_archive(call: Call, tx: Tx, params: Params) -> None:
    name = params["ArchiveName"]
    archives.stop_feeding(tx, call, name, archives.get(tx, call, name))
    state.ARCHIVES.delete(tx, call.account, call.region, name)
    state.forget_archived(tx, call.account, call.region, name, FOREVER_MS)


@reads
def describe_archive(call: Call, tx: Tx, params: Params) -> Params:
    name = params["ArchiveName"]
    record = archives.get(tx, call, name)
    shown = {**_listed(call, tx, name, record), "ArchiveArn": archives.arn(call.account, call.region, name)}
    return shown | {member: record[key] for member, key in _KEPT if record.get(key) is not None}


@reads
def list_archives(call: Call, tx: Tx, params: Params) -> Params:
    source, wanted, prefix = params.get("EventSourceArn"), params.get("State", rules.ENABLED), params.get("NamePrefix", "")
    if source is not None:
        archives.require_bus(tx, call, source)

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        found = state.ARCHIVES.page(tx, call.account, call.region, after=after, prefix=prefix)
        return [(name, record) for name, record in found if source in (None, record["bus"]) and wanted == rules.ENABLED][:limit]

    return paged(call, params, "Archives", page, lambda name, record: _listed(call, tx, name, record), prefix, source or "", wanted)


def _listed(call: Call, tx: Tx, name: str, record: Record) -> Params:
    count, size = state.archived_size(tx, call.account, call.region, name, archives.oldest_ms(record, call.now_ms))
    return {
        "ArchiveName": name,
        "EventSourceArn": record["bus"],
        "State": rules.ENABLED,
        "RetentionDays": record["retention_days"],
        "SizeBytes": size,
        "EventCount": count,
        "CreationTime": record["created_ms"] / 1000,
    }
