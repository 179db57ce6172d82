"""Event sources of software partners, as the partner and as the customer see them.

A partner makes a source for a customer's account, where it is pending until a bus of its name takes its events.
AWS: EventBridge API reference, CreatePartnerEventSource and its neighbours; EventBridge user guide, eb-saas.html
"""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import encryption, errors, state
from tule.services.events.encryption import Keyring
from tule.services.events.entries import Refused, detail_of
from tule.services.events.listing import paged
from tule.services.events.matching import Incoming
from tule.services.events.memory import memory
from tule.services.events.names import BusRef
from tule.services.events.state import Record
from tule.services.events.times import event_time
from tule.store.store import Tx

Params = dict[str, Any]

PENDING, ACTIVE, DELETED = "PENDING", "ACTIVE", "DELETED"
_LIFE_MS = 14 * 86_400_000  # AWS: a source that nobody takes is deleted after two weeks
_REQUIRED = ("Source", "DetailType", "Detail")


def _partner_arn(region: str, name: str) -> str:
    return arns.arn("events", region, "", f"event-source/{name}")


def create_partner_event_source(call: Call, tx: Tx, params: Params) -> Params:
    name, account = params["Name"], params["Account"]
    source: Record = {
        "state": PENDING,
        "created_by": name.split("/")[1],
        "partner": call.account,
        "created_ms": call.now_ms,
        "expires_ms": call.now_ms + _LIFE_MS,
    }
    if not state.EVENT_SOURCES.create(tx, account, call.region, name, source):
        raise errors.exists(f"Event source {name} already exists.")
    record = state.PARTNER_SOURCES.get(tx, call.account, call.region, name) or {"accounts": {}}
    record["accounts"][account] = call.now_ms
    state.PARTNER_SOURCES.put(tx, call.account, call.region, name, record)
    return {"EventSourceArn": _partner_arn(call.region, name)}


def delete_partner_event_source(call: Call, tx: Tx, params: Params) -> None:
    name, account = params["Name"], params["Account"]
    record = state.PARTNER_SOURCES.get(tx, call.account, call.region, name)
    if record is None or account not in record["accounts"]:
        return
    del record["accounts"][account]
    if record["accounts"]:
        state.PARTNER_SOURCES.put(tx, call.account, call.region, name, record)
    else:
        state.PARTNER_SOURCES.delete(tx, call.account, call.region, name)
    source = state.EVENT_SOURCES.get(tx, account, call.region, name)
    if source is not None and source["state"] == ACTIVE:
        state.EVENT_SOURCES.put(tx, account, call.region, name, {**source, "state": DELETED})
    else:
        state.EVENT_SOURCES.delete(tx, account, call.region, name)


@reads
def describe_partner_event_source(call: Call, tx: Tx, params: Params) -> Params:
    _partner_source(tx, call, params["Name"])
    return {"Arn": _partner_arn(call.region, params["Name"]), "Name": params["Name"]}


def _partner_source(tx: Tx, call: Call, name: str) -> Record:
    found = state.PARTNER_SOURCES.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Partner event source {name} does not exist.")
    return found


@reads
def list_partner_event_sources(call: Call, tx: Tx, params: Params) -> Params:
    prefix = params["NamePrefix"]

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        return state.PARTNER_SOURCES.page(tx, call.account, call.region, after=after, prefix=prefix, limit=limit)

    return paged(call, params, "PartnerEventSources", page, lambda name, _: {"Arn": _partner_arn(call.region, name), "Name": name}, prefix)


@reads
def list_partner_event_source_accounts(call: Call, tx: Tx, params: Params) -> Params:
    name = params["EventSourceName"]
    accounts: dict[str, int] = _partner_source(tx, call, name)["accounts"]

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        found = ((account, state.EVENT_SOURCES.get(tx, account, call.region, name)) for account in sorted(accounts) if account > after)
        return [(account, source) for account, source in found if source is not None][:limit]

    return paged(call, params, "PartnerEventSourceAccounts", page, lambda account, source: {"Account": account, **_times(source)}, name)


def activate_event_source(call: Call, tx: Tx, params: Params) -> None:
    _turn(call, tx, params["Name"], ACTIVE)


def deactivate_event_source(call: Call, tx: Tx, params: Params) -> None:
    _turn(call, tx, params["Name"], PENDING)


def _turn(call: Call, tx: Tx, name: str, to: str) -> None:
    source = _source(tx, call, name)
    if source["state"] == DELETED or state.bus(tx, BusRef(call.account, call.region, name)) is None:
        raise ServiceError("InvalidStateException", f"Event source {name} is not in a valid state for this operation.")
    state.EVENT_SOURCES.put(tx, call.account, call.region, name, {**source, "state": to})


@reads
def describe_event_source(call: Call, tx: Tx, params: Params) -> Params:
    return _shown(call, params["Name"], _source(tx, call, params["Name"]))


def _source(tx: Tx, call: Call, name: str) -> Record:
    found = state.EVENT_SOURCES.get(tx, call.account, call.region, name)
    if found is None:
        raise errors.not_found(f"Event source {name} does not exist.")
    return found


@reads
def list_event_sources(call: Call, tx: Tx, params: Params) -> Params:
    prefix = params.get("NamePrefix", "")

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        return state.EVENT_SOURCES.page(tx, call.account, call.region, after=after, prefix=prefix, limit=limit)

    return paged(call, params, "EventSources", page, lambda name, source: _shown(call, name, source), prefix)


def _shown(call: Call, name: str, source: Record) -> Params:
    return {"Arn": _partner_arn(call.region, name), "CreatedBy": source["created_by"], "Name": name, **_times(source)}


def _times(source: Record) -> Params:
    shown: Params = {"CreationTime": source["created_ms"] / 1000, "State": source["state"]}
    if source["state"] == PENDING:
        shown["ExpirationTime"] = source["expires_ms"] / 1000
    return shown


async def put_partner_events(call: Call, params: Params) -> Params:
    entries: list[Params] = params["Entries"]
    return await encryption.changed(call.node, lambda tx, keyring: _put_all(call, tx, keyring, entries))


def _put_all(call: Call, tx: Tx, keyring: Keyring, entries: list[Params]) -> Params:
    answers: list[Params] = []
    for entry in entries:
        try:
            answers.append({"EventId": _put(call, tx, keyring, entry)})
        except Refused as refused:
            answers.append({"ErrorCode": refused.code, "ErrorMessage": refused.message})
    return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def _put(call: Call, tx: Tx, keyring: Keyring, entry: Params) -> str:
    """To the bus of every account that has taken the source.  Raises Refused and Needed."""
    detail = detail_of(entry, _REQUIRED)
    record = state.PARTNER_SOURCES.get(tx, call.account, call.region, entry["Source"])
    id = tx.ids.uuid()
    for account in (record or {"accounts": {}})["accounts"]:
        source = state.EVENT_SOURCES.get(tx, account, call.region, entry["Source"])
        if source is None or source["state"] != ACTIVE:
            continue
        event = {
            "version": "0",
            "id": id,
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": account,
            "time": event_time(entry["Time"] * 1000 if "Time" in entry else call.now_ms),
            "region": call.region,
            "resources": entry.get("Resources", []),
            "detail": detail,
        }
        memory(call.node).matcher.ingest(tx, BusRef(account, call.region, entry["Source"]), Incoming(event, call.now_ms, call.trace), keyring)
    return id
