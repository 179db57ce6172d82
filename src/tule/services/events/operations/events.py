"""Events coming in, and patterns tried.  AWS: EventBridge API reference, PutEvents and TestEventPattern."""

from __future__ import annotations

from typing import Any

import orjson

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import encryption, errors, rules
from tule.services.events.encryption import Keyring
from tule.services.events.entries import Refused, detail_of
from tule.services.events.matching import Incoming
from tule.services.events.memory import memory
from tule.services.events.names import bus
from tule.services.events.times import event_time
from tule.store.store import Tx

Params = dict[str, Any]

MAX_BYTES = 1_048_576
_TIME_BYTES = 14
_REQUIRED = ("Source", "DetailType", "Detail")
_EVENT_MEMBERS = ("id", "account", "source", "time", "region", "resources", "detail-type")


async def put_events(call: Call, params: Params) -> Params:
    entries: list[Params] = params["Entries"]
    if sum(map(_size, entries)) > MAX_BYTES:
        raise errors.validation("Total size of the entries in the request is over the limit.")
    return await encryption.changed(call.node, lambda tx, keyring: _put(call, tx, keyring, entries))


def _put(call: Call, tx: Tx, keyring: Keyring, entries: list[Params]) -> Params:
    answers: list[Params] = []
    for entry in entries:
        try:
            event = _event(call, tx, entry)
        except Refused as refused:
            answers.append({"ErrorCode": refused.code, "ErrorMessage": refused.message})
            continue
        incoming = Incoming(event, call.now_ms, entry.get("TraceHeader") or call.trace)
        memory(call.node).matcher.ingest(tx, bus(call, entry.get("EventBusName")), incoming, keyring)
        answers.append({"EventId": event["id"]})
    return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def _size(entry: Params) -> int:
    """AWS: EventBridge user guide, calculating PutEvents event entry size."""
    texts = (entry.get("Source", ""), entry.get("DetailType", ""), entry.get("Detail", ""), *entry.get("Resources", ()))
    return sum(len(text.encode()) for text in texts) + (_TIME_BYTES if "Time" in entry else 0)


def _event(call: Call, tx: Tx, entry: Params) -> Params:
    """The event that an entry becomes.  Raises Refused."""
    detail = detail_of(entry, _REQUIRED)
    if entry["Source"].startswith("aws.") and call.principal.kind != "service":
        raise Refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    return {
        "version": "0",
        "id": tx.ids.uuid(),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": call.principal.account or call.account,
        "time": event_time(entry["Time"] * 1000 if "Time" in entry else call.now_ms),
        "region": call.region,
        "resources": entry.get("Resources", []),
        "detail": detail,
    }


@reads
def test_event_pattern(call: Call, tx: Tx, params: Params) -> Params:
    pattern = rules.compiled_pattern(params["EventPattern"])
    try:
        event = orjson.loads(params["Event"])
    except ValueError as error:
        raise _not_an_event() from error
    if not isinstance(event, dict) or not all(member in event for member in _EVENT_MEMBERS):
        raise _not_an_event()
    return {"Result": pattern.matches(event)}


def _not_an_event() -> ServiceError:
    return errors.invalid_parameter("Event")
