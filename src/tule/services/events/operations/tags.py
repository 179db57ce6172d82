"""Tags of buses and rules.  AWS: EventBridge API reference, TagResource and its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tule.core import arn as arns
from tule.core import tags as tag_rules
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.events import errors, rules, state
from tule.services.events.names import BusRef, rule_of
from tule.services.events.state import Record
from tule.services.events.tagging import checked
from tule.store.store import Tx

Params = dict[str, Any]


class _Tagged(NamedTuple):
    record: Record
    put: Callable[[Record], None]


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    found = _find(tx, params["ResourceARN"], to_change=True)
    tags = {**found.record.get("tags", {}), **tag_rules.to_map(params["Tags"])}
    found.put({**found.record, "tags": checked(tags)})


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    found = _find(tx, params["ResourceARN"], to_change=True)
    left = {key: value for key, value in found.record.get("tags", {}).items() if key not in params["TagKeys"]}
    found.put({**found.record, "tags": left})


@reads
def list_tags_for_resource(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": tag_rules.to_list(_find(tx, params["ResourceARN"], to_change=False).record.get("tags", {}))}


def _find(tx: Tx, arn: str, *, to_change: bool) -> _Tagged:
    """Raises ResourceNotFoundException, ValidationException, ManagedRuleException."""
    try:
        parsed = arns.parse(arn)
    except ValueError as error:
        raise errors.invalid_parameter("ResourceARN", "Provided Arn is not in correct format.") from error
    match parsed.resource_type:
        case "event-bus":
            ref = BusRef(parsed.account, parsed.region, parsed.resource_id)
            return _Tagged(rules.require_bus(tx, ref), lambda record: state.put_bus(tx, ref, record))
        case "rule":
            ref, name = rule_of(arn)
            record = rules.changeable(tx, ref, name, force=not to_change)
            return _Tagged(record, lambda record: state.put_rule(tx, ref, name, record))
        case _:
            raise errors.invalid_parameter("ResourceARN", "Only rules and event buses can be tagged.")
