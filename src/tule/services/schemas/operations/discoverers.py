"""Discoverers.  AWS: EventBridge Schemas API reference, Discoverers, Discover."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.schemas import discovery, errors, inference, listing, state
from tule.services.schemas.discovery import STARTED, STOPPED
from tule.services.schemas.names import Scope, discoverer_arn, scope_of
from tule.services.schemas.state import Record
from tule.services.schemas.tags import checked
from tule.store.store import Tx

Params = dict[str, Any]

_SETTINGS = (("Description", "description"), ("CrossAccount", "cross_account"))


async def create_discoverer(call: Call, params: Params) -> Params:
    source = params["SourceArn"]
    if not arns.is_arn(source) or arns.parse(source).service != "events" or arns.parse(source).resource_type != "event-bus":
        raise errors.bad_request("SourceArn must be the ARN of an event bus.")
    id = f"events-event-bus-{arns.parse(source).resource_id}"
    record: Record = {"source": source, "state": STARTED, "description": params.get("Description", "")}
    record |= {"cross_account": params.get("CrossAccount", True), "tags": checked(params.get("Tags"))}
    if await call.node.store.read(lambda tx: state.DISCOVERERS.get(tx, *scope_of(call), id)) is not None:
        raise _exists(source)
    await discovery.follow(call, id, record)
    await call.node.store.write(lambda tx: _create(call, tx, id, record))
    return _shown(scope_of(call), id, record)


def _create(call: Call, tx: Tx, id: str, record: Record) -> None:
    if not state.DISCOVERERS.create(tx, *scope_of(call), id, record):
        raise _exists(record["source"])
    state.discovered_registry(tx, scope_of(call))


def _exists(source: str) -> Exception:
    return errors.conflict(f"A discoverer of {source} already exists.")


@reads
def describe_discoverer(call: Call, tx: Tx, params: Params) -> Params:
    return _shown(scope_of(call), params["DiscovererId"], _get(call, tx, params))


async def update_discoverer(call: Call, params: Params) -> Params:
    return await _changed(call, params, {key: params[member] for member, key in _SETTINGS if member in params})


async def start_discoverer(call: Call, params: Params) -> Params:
    return _switched(await _changed(call, params, {"state": STARTED}))


async def stop_discoverer(call: Call, params: Params) -> Params:
    return _switched(await _changed(call, params, {"state": STOPPED}))


async def delete_discoverer(call: Call, params: Params) -> None:
    record = await call.node.store.read(lambda tx: _get(call, tx, params))
    await discovery.unfollow(call, params["DiscovererId"], record)
    await call.node.store.write(lambda tx: state.DISCOVERERS.delete(tx, *scope_of(call), params["DiscovererId"]))


@reads
def list_discoverers(call: Call, tx: Tx, params: Params) -> Params:
    after, limit = listing.start(call, params)
    prefix, sources = params.get("DiscovererIdPrefix", ""), params.get("SourceArnPrefix", "")
    found = state.DISCOVERERS.page(tx, *scope_of(call), after=after, prefix=prefix)
    entries = [(id, _listed(scope_of(call), id, record)) for id, record in found if record["source"].startswith(sources)]
    return listing.shown(call, "Discoverers", entries[: limit + 1], limit)


@reads
def get_discovered_schema(call: Call, tx: Tx, params: Params) -> Params:
    """What would be discovered from these events; nothing is kept."""
    del call, tx
    try:
        events = [orjson.loads(text) for text in params["Events"]]
        shape = inference.merged(inference.shape_of(event) for event in events)
    except ValueError as error:
        raise errors.bad_request(f"The events are not valid: {error}.") from error
    if not events or not all(isinstance(event, dict) for event in events):
        raise errors.bad_request("The events must be JSON objects.")
    if params["Type"] not in ("OpenApi3", "JSONSchemaDraft4"):
        raise errors.bad_request("Type must be OpenApi3 or JSONSchemaDraft4.")
    make = inference.open_api if params["Type"] == "OpenApi3" else inference.json_schema
    return {"Content": orjson.dumps(make(events[0], shape)).decode()}


async def _changed(call: Call, params: Params, changes: Record) -> Params:
    id = params["DiscovererId"]
    record = await call.node.store.read(lambda tx: _get(call, tx, params))
    await discovery.follow(call, id, {**record, **changes})

    def change(tx: Tx) -> Record:
        changed = {**_get(call, tx, params), **changes}
        state.DISCOVERERS.put(tx, *scope_of(call), id, changed)
        return changed

    return _shown(scope_of(call), id, await call.node.store.write(change))


def _get(call: Call, tx: Tx, params: Params) -> Record:
    found = state.DISCOVERERS.get(tx, *scope_of(call), params["DiscovererId"])
    if found is None:
        raise errors.no_discoverer(params["DiscovererId"])
    return found


def _switched(shown: Params) -> Params:
    return {"DiscovererId": shown["DiscovererId"], "State": shown["State"]}


def _shown(scope: Scope, id: str, record: Record) -> Params:
    described = {"Description": record["description"]} if record["description"] else {}
    return {**described, **_listed(scope, id, record)}


def _listed(scope: Scope, id: str, record: Record) -> Params:
    return {
        "DiscovererArn": discoverer_arn(scope, id),
        "DiscovererId": id,
        "SourceArn": record["source"],
        "State": record["state"],
        "CrossAccount": record["cross_account"],
        "Tags": record["tags"],
    }
