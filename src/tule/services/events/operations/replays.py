"""Replays.  AWS: EventBridge API reference, StartReplay and its neighbours."""

from __future__ import annotations

from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import archives, errors, replays, rules, state
from tule.services.events.listing import paged
from tule.services.events.names import bus_of, rule_of
from tule.services.events.state import Record
from tule.store.store import Tx

Params = dict[str, Any]


def start_replay(call: Call, tx: Tx, params: Params) -> Params:
    name, source, destination = params["ReplayName"], params["EventSourceArn"], params["Destination"]
    ref = bus_of(destination["Arn"], call.account, call.region)
    rules.require_bus(tx, ref)
    archive = archives.get(tx, call, arns.parse(source).resource_id) if _is_archive(source) else None
    if archive is None:
        raise errors.invalid_parameter("EventSourceArn", "Must contain an archive ARN.")
    if bus_of(archive["bus"], call.account, call.region) != ref:
        raise errors.invalid_parameter("Destination.Arn", "Cross event bus replay is not permitted.")
    if params["EventStartTime"] >= params["EventEndTime"]:
        raise errors.invalid_parameter("EventEndTime", "EventStartTime must be before EventEndTime.")
    for filter_arn in destination.get("FilterArns", ()):
        rules.get(tx, *rule_of(filter_arn))
    if state.REPLAYS.get(tx, call.account, call.region, name) is not None:
        raise errors.exists(f"Replay {name} already exists.")
    if _under_way(tx, call) >= replays.MAX_UNDER_WAY:
        raise errors.limit_exceeded()
    record: Record = {
        "source": source,
        "destination": destination,
        "state": replays.STARTING,
        "started_ms": call.now_ms,
        "from": params["EventStartTime"],
        "until": params["EventEndTime"],
        "until_ms": int(params["EventEndTime"] * 1000),
        "position": [max(int(params["EventStartTime"]) * 1000, archives.oldest_ms(archive, call.now_ms)), ""],
    }
    if "Description" in params:
        record["description"] = params["Description"]
    state.REPLAYS.put(tx, call.account, call.region, name, record)
    replays.go_on(tx, call.account, call.region, name)
    return {**_state(call, name, record), "ReplayStartTime": call.now_ms / 1000}


def _is_archive(arn: str) -> bool:
    return arns.is_arn(arn) and arns.parse(arn).resource_type == "archive"


def _under_way(tx: Tx, call: Call) -> int:
    found = state.REPLAYS.page(tx, call.account, call.region)
    return sum(record["state"] in replays.UNDER_WAY for _, record in found)


def _state(call: Call, name: str, record: Record) -> Params:
    return {"ReplayArn": replays.arn(call.account, call.region, name), "State": record["state"]}


def cancel_replay(call: Call, tx: Tx, params: Params) -> Params:
    name = params["ReplayName"]
    record = replays.get(tx, call, name)
    if record["state"] not in (replays.STARTING, replays.RUNNING):
        raise ServiceError("IllegalStatusException", f"Replay {name} is not in a valid state for this operation.")
    record["state"] = replays.CANCELLING
    state.REPLAYS.put(tx, call.account, call.region, name, record)
    replays.go_on(tx, call.account, call.region, name)
    return _state(call, name, record)


@reads
def describe_replay(call: Call, tx: Tx, params: Params) -> Params:
    name = params["ReplayName"]
    record = replays.get(tx, call, name)
    shown = {**_listed(name, record), **_state(call, name, record), "Destination": record["destination"]}
    for key, member in (("description", "Description"), ("reason", "StateReason")):
        if key in record:
            shown[member] = record[key]
    return shown


@reads
def list_replays(call: Call, tx: Tx, params: Params) -> Params:
    source, wanted, prefix = params.get("EventSourceArn"), params.get("State"), params.get("NamePrefix", "")

    def page(after: str, limit: int) -> list[tuple[str, Record]]:
        found = state.REPLAYS.page(tx, call.account, call.region, after=after, prefix=prefix)
        return [(name, record) for name, record in found if source in (None, record["source"]) and wanted in (None, record["state"])][:limit]

    return paged(call, params, "Replays", page, _listed, prefix, source or "", wanted or "")


def _listed(name: str, record: Record) -> Params:
    shown: Params = {
        "ReplayName": name,
        "EventSourceArn": record["source"],
        "State": record["state"],
        "EventStartTime": record["from"],
        "EventEndTime": record["until"],
        "ReplayStartTime": record["started_ms"] / 1000,
    }
    if "last_ms" in record:
        shown["EventLastReplayedTime"] = record["last_ms"] / 1000
    if "ended_ms" in record:
        shown["ReplayEndTime"] = record["ended_ms"] / 1000
    return shown
