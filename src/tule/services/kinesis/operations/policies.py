"""Resource policies of streams and consumers.  AWS: Kinesis Data Streams API reference, PutResourcePolicy.

A resource without a policy answers `{}`, which is what AWS says.
"""

from __future__ import annotations

from typing import Any

from tule.access.policy import validate
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.kinesis import errors, resources_named
from tule.store.store import Tx

Params = dict[str, Any]

MAX_BYTES = 20_480


def put_resource_policy(call: Call, tx: Tx, params: Params) -> None:
    resource = resources_named.find(tx, params["ResourceARN"])
    _check(params["Policy"])
    resource.configure(tx, policy=params["Policy"])


@reads
def get_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    return {"Policy": resources_named.find(tx, params["ResourceARN"]).config.get("policy") or "{}"}


def delete_resource_policy(call: Call, tx: Tx, params: Params) -> None:
    resources_named.find(tx, params["ResourceARN"]).configure(tx, policy=None)


def _check(text: str) -> None:
    """Raises InvalidArgumentException."""
    if len(text.encode()) > MAX_BYTES:
        raise errors.invalid_argument(f"The resource policy is larger than {MAX_BYTES} bytes.")
    try:
        validate.resource_policy(text)
    except validate.InvalidPolicy as error:
        raise errors.invalid_argument(f"The resource policy is not valid: {error}") from error
