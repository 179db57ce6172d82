"""Event buses.  AWS: EventBridge API reference, CreateEventBus and its neighbours."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.tags import to_map
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import errors, rules, state
from tule.services.events.listing import paged
from tule.services.events.names import DEFAULT_BUS, BusRef, bus
from tule.services.events.state import Record
from tule.services.events.tagging import checked
from tule.store.store import Tx

Params = dict[str, Any]

_KEY = "KmsKeyIdentifier"
_KEPT = ("Description", _KEY, "DeadLetterConfig", "LogConfig")


def create_event_bus(call: Call, tx: Tx, params: Params) -> Params:
    name = params["Name"]
    ref = BusRef(call.account, call.region, name)
    source = params.get("EventSourceName")
    if source is None and "/" in name:
        raise errors.validation("Event bus name must not contain '/'.")
    if name == DEFAULT_BUS or state.bus(tx, ref) is not None:
        raise errors.exists(f"Event bus {name} already exists.")
    record: Record = {member: params[member] for member in _KEPT if member in params}
    record |= {"created_ms": call.now_ms, "modified_ms": call.now_ms, "tags": checked(to_map(params.get("Tags")))}
    if source is not None:
        _take_source(call, tx, name, source)
        record["source"] = source
    state.put_bus(tx, ref, record)
    return {"EventBusArn": ref.arn, **{member: record[member] for member in _KEPT if member in record}}


def _take_source(call: Call, tx: Tx, name: str, source: str) -> None:
    """A partner's events flow from the moment that a bus of the same name is there."""
    found = state.EVENT_SOURCES.get(tx, call.account, call.region, source)
    if found is None:
        raise errors.not_found(f"Event source {source} does not exist.")
    if name != source:
        raise errors.validation("Event bus name must match the name of the event source.")
    state.EVENT_SOURCES.put(tx, call.account, call.region, source, {**found, "state": "ACTIVE"})


def update_event_bus(call: Call, tx: Tx, params: Params) -> Params:
    ref = bus(call, params.get("Name"))
    record = rules.require_bus(tx, ref)
    record |= {member: params[member] for member in _KEPT if member in params}
    if record.get(_KEY) == "":
        del record[_KEY]  # AWS's own key again
    record["modified_ms"] = call.now_ms
    state.put_bus(tx, ref, record)
    return {"Arn": ref.arn, "Name": ref.name, **{member: record[member] for member in _KEPT if member in record}}


def delete_event_bus(call: Call, tx: Tx, params: Params) -> None:
    ref = bus(call, params["Name"])
    if ref.is_default:
        raise errors.validation(f"Cannot delete event bus {ref.name}.")
    if state.rules(tx, ref, limit=1):
        raise errors.validation("Event bus can't be deleted since it has rules.")
    record = state.bus(tx, ref)
    if record is None:
        return
    state.delete_bus(tx, ref)
    if "source" in record and (source := state.EVENT_SOURCES.get(tx, call.account, call.region, record["source"])) is not None:
        state.EVENT_SOURCES.put(tx, call.account, call.region, record["source"], {**source, "state": "PENDING"})


@reads
def describe_event_bus(call: Call, tx: Tx, params: Params) -> Params:
    ref = bus(call, params.get("Name"))
    record = rules.require_bus(tx, ref)
    return {**_listed(ref, record), **{member: record[member] for member in _KEPT if member in record}}


@reads
def list_event_buses(call: Call, tx: Tx, params: Params) -> Params:
    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        return _with_default(tx, call, after, params.get("NamePrefix", ""), limit)

    def shown(name: str, record: Record) -> Params:
        return _listed(BusRef(call.account, call.region, name), record)

    return paged(call, params, "EventBuses", page, shown, params.get("NamePrefix", ""))


def _with_default(tx: Tx, call: Call, after: str, prefix: str, limit: int) -> list[tuple[str, Record]]:
    found = state.buses(tx, call.account, call.region, after=after, prefix=prefix, limit=limit)
    if after < DEFAULT_BUS and DEFAULT_BUS.startswith(prefix) and all(name != DEFAULT_BUS for name, _ in found):
        found = sorted([*found, (DEFAULT_BUS, {})], key=lambda entry: entry[0])[:limit]
    return found


def _listed(ref: BusRef, record: Record) -> Params:
    shown: Params = {"Name": ref.name, "Arn": ref.arn}
    if "Description" in record:
        shown["Description"] = record["Description"]
    if record.get("policy"):
        shown["Policy"] = orjson.dumps(record["policy"]).decode()
    if "created_ms" in record:
        shown |= {"CreationTime": record["created_ms"] / 1000, "LastModifiedTime": record["modified_ms"] / 1000}
    return shown
