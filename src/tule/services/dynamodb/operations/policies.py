"""Resource policies of tables and of their streams.

AWS: DynamoDB API reference, PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.  A stream's policy goes with the stream.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.dynamodb import errors, policy_texts
from tule.services.dynamodb.names import resource_ref
from tule.services.dynamodb.state import tables as rows
from tule.services.dynamodb.table import Table
from tule.store.store import Tx

Params = dict[str, Any]

_NO_POLICY = "NO_POLICY"


class _Holder(NamedTuple):
    """Who has a policy: a table, or its latest stream.  `setting` and `revision` name where the table's settings have it."""

    table: Table
    setting: str
    revision: str

    @property
    def policy(self) -> str | None:
        return self.table.config.get(self.setting)

    @property
    def number(self) -> str | None:
        return self.table.config.get(self.revision) if self.policy is not None else None


def put_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    holder = _holder(tx, params["ResourceArn"])
    policy_texts.check(params["Policy"])
    _check_expected(holder, params.get("ExpectedRevisionId"))
    number = holder.number
    if number is None or params["Policy"] != holder.policy:
        number = policy_texts.revision(tx.now_ms, holder.table.config.get(holder.revision))
        rows.configure(tx, holder.table, **{holder.setting: params["Policy"], holder.revision: number})
    return {"RevisionId": number}


@reads
def get_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    holder = _holder(tx, params["ResourceArn"])
    if holder.policy is None:
        raise _no_policy(params["ResourceArn"])
    return {"Policy": holder.policy, "RevisionId": holder.number}


def delete_resource_policy(call: Call, tx: Tx, params: Params) -> Params:
    holder = _holder(tx, params["ResourceArn"])
    _check_expected(holder, params.get("ExpectedRevisionId"))
    if holder.policy is None:
        return {}
    rows.configure(tx, holder.table, **{holder.setting: None})  # the number stays, so that it is not given again
    return {"RevisionId": holder.number}


def _check_expected(holder: _Holder, expected: str | None) -> None:
    """Raises PolicyNotFoundException."""
    if expected is None:
        return
    if expected == _NO_POLICY:
        if holder.policy is not None:
            raise _mismatch(f"Resource-based policy exists for the provided ResourceArn: {holder.table.arn}")
    elif holder.number != expected:
        raise _mismatch(f"Resource-based policy with the expected revision id was not found for the provided ResourceArn: {holder.table.arn}")


def _mismatch(message: str) -> ServiceError:
    return ServiceError("PolicyNotFoundException", message, 400)


def _no_policy(arn: str) -> ServiceError:
    return ServiceError("PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {arn}", 400)


def _holder(tx: Tx, arn: str) -> _Holder:
    """Raises ValidationException, ResourceNotFoundException."""
    ref = resource_ref(arn)
    if ref is None or ref.kind not in ("table", "stream"):
        raise errors.invalid_resource_arn(arn)
    table = rows.find(tx, *ref.table)
    if table is None or (ref.kind == "stream" and ref.id != table.stream_label):
        raise errors.not_found(f"Requested resource not found: Table: {ref.table.name} not found")
    return _Holder(table, "policy", "policy_revision") if ref.kind == "table" else _Holder(table, "stream_policy", "stream_policy_revision")
