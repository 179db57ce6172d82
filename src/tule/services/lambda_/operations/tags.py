"""Tags of functions, code signing configurations, event source mappings and capacity providers.

AWS: Lambda API reference, TagResource, UntagResource, ListTags.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tule.core import arn as arns
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.lambda_ import capacity, configuration, errors, signing, state
from tule.services.lambda_.mappings import state as mappings
from tule.services.lambda_.names import FunctionRef, of_arn
from tule.store.store import Tx

Params = dict[str, Any]


def tag_resource(call: Call, tx: Tx, params: Params) -> None:
    if not params["Tags"]:
        raise errors.invalid_parameter("An error occurred and the request cannot be processed.")
    tagged = _tagged(tx, params["Resource"])
    tagged.tags.update(params["Tags"])
    configuration.check_tags(tagged.tags)
    tagged.put(tx)


def untag_resource(call: Call, tx: Tx, params: Params) -> None:
    tagged = _tagged(tx, params["Resource"])
    for key in params["TagKeys"]:
        tagged.tags.pop(key, None)
    tagged.put(tx)


@reads
def list_tags(call: Call, tx: Tx, params: Params) -> Params:
    return {"Tags": _tagged(tx, params["Resource"]).tags}


@dataclass(slots=True, frozen=True)
class _Tagged:
    """What carries tags; `put` keeps them."""

    tags: dict[str, str]
    put: Callable[[Tx], None]


def _tagged(tx: Tx, arn: str) -> _Tagged:
    parsed = arns.parse(arn)
    match parsed.resource_type:
        case "code-signing-config":
            config = signing.get(tx, parsed.account, parsed.region, arn)
            return _Tagged(config["tags"], lambda tx: signing.put(tx, parsed.account, parsed.region, config))
        case "event-source-mapping":
            mapping = mappings.find(tx, parsed.account, parsed.region, parsed.resource_id)
            if mapping is None:
                raise errors.resource_absent()
            return _Tagged(mapping["tags"], lambda tx: mappings.put(tx, parsed.account, parsed.region, mapping))
        case capacity.RESOURCE:
            provider = capacity.get(tx, parsed.account, parsed.region, arn)
            return _Tagged(provider["tags"], lambda tx: capacity.PROVIDERS.put(tx, parsed.account, parsed.region, parsed.resource_id, provider))
        case _:
            ref, function = _function(tx, arn)
            return _Tagged(function["tags"], lambda tx: state.put_function(tx, ref, function))


def _function(tx: Tx, arn: str) -> tuple[FunctionRef, Params]:
    try:
        ref = of_arn(arn)
    except ValueError as error:
        raise errors.resource_absent() from error
    if ref.qualifier is not None:
        raise errors.invalid_parameter("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    return ref, state.function(tx, ref)
