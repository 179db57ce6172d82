"""Event source mappings.  AWS: Lambda API reference, CreateEventSourceMapping and its kin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.encryption import KeyRefused
from tule.platform.service import reads
from tule.services.lambda_ import configuration, errors, tenancy
from tule.services.lambda_ import state as functions_state
from tule.services.lambda_.mappings import rules, sealed_criteria, source_checks, state
from tule.services.lambda_.mappings.kinds import Kind, kind_of
from tule.services.lambda_.names import LATEST, FunctionRef, function_ref
from tule.store.store import Tx

PAGE = 100
_UNTOUCHED = ("UUID", "FunctionName", "Enabled", "EventSourceArn", "Tags")

Params = dict[str, Any]


async def create_event_source_mapping(call: Call, params: Params) -> Params:
    kind = kind_of(params)
    shown = {"EventSourceArn": params["EventSourceArn"], **rules.shown_of(kind, params, {})}
    rules.check(kind, params, shown, call.now_ms)
    configuration.check_tags(params.get("Tags", {}))
    ref = function_ref(call, params["FunctionName"])
    role, timeout_s = await call.node.store.read(lambda tx: _runs(tx, ref))
    await source_checks.check(call, kind, shown, ref, role, timeout_s)
    sealed = await sealed_criteria.seal(call, shown)
    made = await call.node.store.write(lambda tx: _create(call, tx, kind, ref, params, shown, sealed))
    return await _revealed(call, made)


def _create(call: Call, tx: Tx, kind: Kind, ref: FunctionRef, params: Params, shown: Params, sealed: str | None) -> Params:
    """The mapping's document."""
    _runs(tx, ref)
    _check_unique(tx, kind, ref, params["EventSourceArn"])
    uuid, enabled = tx.ids.uuid(), params.get("Enabled", True)
    mapping: Params = {
        "function": ref.name,
        "qualifier": ref.qualifier,
        "enabled": enabled,
        "created_ms": call.now_ms,
        "revision": tx.ids.hex(16),
        "tags": params.get("Tags", {}),
        "shown": {
            **shown,
            "UUID": uuid,
            "EventSourceMappingArn": state.arn(ref.account, ref.region, uuid),
            "FunctionArn": ref.qualified_arn,
            "LastModified": call.now_ms / 1000,
            "State": "Creating" if enabled else "Disabled",
            "StateTransitionReason": kind.reason,
        },
    }
    if sealed is not None:
        mapping["sealed"] = sealed
    state.put(tx, ref.account, ref.region, mapping)
    return mapping


def _runs(tx: Tx, ref: FunctionRef) -> tuple[str, int]:
    """The role and the time-out of the function.  Raises InvalidParameterValueException when there is none."""
    if functions_state.find_function(tx, ref) is None:
        raise errors.invalid_parameter("Function does not exist")
    try:
        configured = functions_state.resolve(tx, ref)[1]["configuration"]
    except ServiceError as error:  # there is no such version or alias
        raise errors.invalid_parameter("Function does not exist") from error
    if tenancy.is_isolated(configured):
        raise tenancy.unsupported("An event source mapping")
    return configured["Role"], configured["Timeout"]


def _check_unique(tx: Tx, kind: Kind, ref: FunctionRef, source: str, but: str = "") -> None:
    for uuid, mapping in state.page(tx, ref.account, ref.region):
        if uuid == but or mapping["shown"]["EventSourceArn"] != source or mapping["shown"]["FunctionArn"] != ref.qualified_arn:
            continue
        end = f"already exists. Please update or delete the existing mapping with UUID {uuid}"
        if kind.is_stream:
            raise errors.conflict(f'The event source arn (" {source} ") and function (" {ref.name} ") provided mapping {end}')
        raise errors.conflict(f'An event source mapping with SQS arn (" {source} ") and function (" {ref.name} ") {end}')


@reads
def get_event_source_mapping(call: Call, tx: Tx, params: Params) -> Callable[[], Awaitable[Params]]:
    mapping = _mapping(call, tx, params["UUID"])
    shown = _shown(tx, call.account, call.region, mapping)
    return lambda: sealed_criteria.revealed(call, shown, mapping)


async def _revealed(call: Call, mapping: Params) -> Params:
    """A mapping as it stands, with its filter criteria."""
    shown = await call.node.store.read(lambda tx: _shown(tx, call.account, call.region, mapping))
    return await sealed_criteria.revealed(call, shown, mapping)


@reads
def list_event_source_mappings(call: Call, tx: Tx, params: Params) -> Params:
    wanted = _wanted(call, tx, params)
    scope = f"event-source-mappings:{call.account}:{call.region}"
    after = call.node.pager.position(scope, params["Marker"]) if params.get("Marker") else ""
    limit = min(params.get("MaxItems", PAGE), PAGE)
    found = [
        (uuid, mapping)
        for uuid, mapping in state.page(tx, call.account, call.region, after=after)
        if all(mapping["shown"].get(name) == value for name, value in wanted.items())
    ]
    answer: Params = {"EventSourceMappings": [_shown(tx, call.account, call.region, mapping) for _, mapping in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = call.node.pager.token(scope, found[limit - 1][0])
    return answer


def _wanted(call: Call, tx: Tx, params: Params) -> Params:
    """The members that mappings must have to be listed."""
    wanted: Params = {}
    if params.get("EventSourceArn"):
        wanted["EventSourceArn"] = params["EventSourceArn"]
    if params.get("FunctionName"):
        ref = function_ref(call, params["FunctionName"])
        functions_state.function(tx, ref)
        wanted["FunctionArn"] = ref.arn if ref.qualifier == LATEST else ref.qualified_arn
    return wanted


async def update_event_source_mapping(call: Call, params: Params) -> Params:
    mapping = await call.node.store.read(lambda tx: _mapping(call, tx, params["UUID"]))
    kind, ref, shown = await _updated(call, mapping, params)
    sealed = await sealed_criteria.seal(call, shown)
    if sealed is None and "FilterCriteria" not in shown and not _changes_criteria(mapping, params):
        sealed = mapping.get("sealed")
    return await _revealed(call, await call.node.store.write(lambda tx: _update(call, tx, kind, ref, params, shown, sealed)))


def _changes_criteria(mapping: Params, params: Params) -> bool:
    """Whether the filter criteria are given anew, or are to be encrypted in another way than they are."""
    key = mapping["shown"].get("KMSKeyArn", "")
    return "FilterCriteria" in params or params.get("KMSKeyArn", key) != key


async def _updated(call: Call, mapping: Params, params: Params) -> tuple[Kind, FunctionRef, Params]:
    """What the mapping is to be, once it is known that it may be."""
    before = mapping["shown"]
    if "sealed" in mapping and "FilterCriteria" not in params and _changes_criteria(mapping, params):
        before = {**before, "FilterCriteria": await _opened(call, mapping["sealed"])}
    kind = kind_of(before)
    asked = {name: value for name, value in params.items() if name not in _UNTOUCHED}
    shown = {name: before[name] for name in before if name not in kind.settings} | rules.shown_of(kind, asked, before)
    rules.check(kind, asked, shown, call.now_ms)
    ref = state.function_ref(call.account, call.region, mapping)
    if "FunctionName" in params:
        ref = function_ref(call, params["FunctionName"])
    role, timeout_s = await call.node.store.read(lambda tx: _runs(tx, ref))
    if "FunctionName" in params or "DestinationConfig" in params:
        await source_checks.check(call, kind, shown, ref, role, timeout_s)
    return kind, ref, shown


async def _opened(call: Call, sealed: str) -> Params:
    """Raises InvalidParameterValueException."""
    try:
        return await sealed_criteria.opened(call.node, call.principal, call.region, sealed)
    except KeyRefused as refusal:
        raise errors.invalid_parameter(f"Lambda was unable to decrypt the filter criteria. KMS Message: {refusal.message}") from refusal


def _update(call: Call, tx: Tx, kind: Kind, ref: FunctionRef, params: Params, shown: Params, sealed: str | None) -> Params:
    """The mapping's document."""
    mapping = _mapping(call, tx, params["UUID"])
    if mapping["shown"]["State"] == "Deleting":
        raise errors.in_use("Cannot update the event source mapping because it is in use.")
    _check_unique(tx, kind, ref, shown["EventSourceArn"], but=params["UUID"])
    was_enabled, enabled = mapping["enabled"], params.get("Enabled", mapping["enabled"])
    moves_to = "Updating" if enabled else "Disabled"
    if enabled != was_enabled:
        moves_to = "Enabling" if enabled else "Disabling"
    mapping |= {"function": ref.name, "qualifier": ref.qualifier, "enabled": enabled, "revision": tx.ids.hex(16)}
    mapping["shown"] = {
        **shown,
        "FunctionArn": ref.qualified_arn,
        "LastModified": call.now_ms / 1000,
        "State": moves_to,
        "StateTransitionReason": kind.reason,
    }
    mapping.pop("sealed", None)
    if sealed is not None:
        mapping["sealed"] = sealed
    state.put(tx, call.account, call.region, mapping)
    return mapping


async def delete_event_source_mapping(call: Call, params: Params) -> Params:
    return await _revealed(call, await call.node.store.write(lambda tx: _delete(call, tx, params)))


def _delete(call: Call, tx: Tx, params: Params) -> Params:
    mapping = _mapping(call, tx, params["UUID"])
    if mapping["shown"]["State"] == "Deleting":
        raise errors.in_use("Cannot delete the event source mapping because it is in use.")
    mapping["enabled"] = False
    mapping["shown"] |= {"State": "Deleting", "LastModified": call.now_ms / 1000}
    state.put(tx, call.account, call.region, mapping)
    return mapping


def _mapping(call: Call, tx: Tx, uuid: str) -> Params:
    """Raises ResourceNotFoundException."""
    found = state.find(tx, call.account, call.region, uuid)
    if found is None:
        raise errors.resource_absent()
    return found


def _shown(tx: Tx, account: str, region: str, mapping: Params) -> Params:
    shown: Params = mapping["shown"]
    if arns.parse(shown["EventSourceArn"]).service == "sqs":
        return shown
    problem = state.result(tx, account, region, shown["UUID"])
    told = "No records processed" if problem is None else f"PROBLEM: {problem}" if problem else "OK"
    return {**shown, "LastProcessingResult": told}
