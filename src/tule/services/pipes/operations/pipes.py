"""Pipes.  AWS: EventBridge Pipes API reference, CreatePipe, DescribePipe, UpdatePipe, StartPipe, StopPipe, DeletePipe, ListPipes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tule.core.errors import ServiceError
from tule.core.paging import page
from tule.platform.call import Call
from tule.platform.encryption import KeyRefused
from tule.platform.service import reads
from tule.services.pipes import checks, encryption, errors, settings, sources, state
from tule.services.pipes.names import PipeRef, pipe_ref
from tule.services.pipes.state import Document
from tule.services.pipes.tags import checked
from tule.store.store import Tx

MAX_PIPES = 100
_SETTLED = ("RUNNING", "STOPPED", "CREATE_FAILED", "UPDATE_FAILED", "START_FAILED", "STOP_FAILED", "DELETE_FAILED")

Params = dict[str, Any]


async def create_pipe(call: Call, params: Params) -> Params:
    ref, wanted = pipe_ref(call, params["Name"]), settings.created(params)
    settings.check(wanted, call.account, call.region)
    kept, envelope = await encryption.sealed(call.node, ref, wanted)
    return await call.node.store.write(lambda tx: _create(tx, ref, params, kept, envelope))


def _create(tx: Tx, ref: PipeRef, params: Params, kept: Document, envelope: str) -> Params:
    if state.find(tx, ref) is not None:
        raise errors.pipe_exists(ref.name)
    pipe: Document = {
        "settings": kept,
        "envelope": envelope,
        "desired": params.get("DesiredState", "RUNNING"),
        "current": "CREATING",
        "reason": state.USER_INITIATED,
        "tags": checked({}, params.get("Tags", {})),
        "created_ms": tx.now_ms,
        "modified_ms": tx.now_ms,
        "revision": tx.ids.hex(16),
    }
    return _changing(tx, ref, pipe)


def _changing(tx: Tx, ref: PipeRef, pipe: Document) -> Params:
    """Kept, to be checked, and shown."""
    checks.begin(tx, ref, pipe)
    state.put(tx, ref, pipe)
    return _answer(ref, pipe)


def _answer(ref: PipeRef, pipe: Document) -> Params:
    return {
        "Arn": ref.arn,
        "Name": ref.name,
        "DesiredState": pipe["desired"],
        "CurrentState": pipe["current"],
        "CreationTime": pipe["created_ms"] / 1000,
        "LastModifiedTime": pipe["modified_ms"] / 1000,
    }


@reads
def describe_pipe(call: Call, tx: Tx, params: Params) -> Params | Callable[[], Awaitable[Params]]:
    ref = pipe_ref(call, params["Name"])
    pipe = state.get(tx, ref)
    return partial(_opened, call, ref, pipe) if pipe.get("envelope") else _shown(ref, pipe, pipe["settings"])


async def _opened(call: Call, ref: PipeRef, pipe: Document) -> Params:
    return _shown(ref, pipe, await _whole(call, ref, pipe))


async def _whole(call: Call, ref: PipeRef, pipe: Document) -> Params:
    """The pipe's settings.  Raises ValidationException."""
    try:
        return await encryption.opened(call.node, ref, pipe)
    except (KeyRefused, ServiceError) as refusal:
        raise errors.invalid_field(encryption.KEY, refusal.message) from refusal


def _shown(ref: PipeRef, pipe: Document, whole: Params) -> Params:
    shown = {**whole, "SourceParameters": sources.shown(whole)}
    return {**_answer(ref, pipe), **shown, "StateReason": pipe["reason"], "Tags": pipe["tags"]}


async def update_pipe(call: Call, params: Params) -> Params:
    ref = pipe_ref(call, params["Name"])
    before = await call.node.store.read(lambda tx: _settled(tx, ref))
    wanted = settings.updated(await _whole(call, ref, before), params)
    settings.check(wanted, call.account, call.region)
    kept, envelope = await encryption.sealed(call.node, ref, wanted)
    return await call.node.store.write(lambda tx: _update(tx, ref, params, before["revision"], kept, envelope))


def _update(tx: Tx, ref: PipeRef, params: Params, revision: str, kept: Document, envelope: str) -> Params:
    pipe = _settled(tx, ref)
    if pipe["revision"] != revision:
        raise errors.pipe_in_passing(ref.name, "UPDATING")  # by somebody else, meanwhile
    pipe |= {"settings": kept, "envelope": envelope, "desired": params.get("DesiredState", pipe["desired"]), "current": "UPDATING"}
    return _changing(tx, ref, pipe | {"modified_ms": tx.now_ms, "revision": tx.ids.hex(16)})


def _settled(tx: Tx, ref: PipeRef) -> Document:
    """Raises NotFoundException, and ConflictException while it is on its way from one state to another."""
    pipe = state.get(tx, ref)
    if pipe["current"] not in _SETTLED:
        raise errors.pipe_in_passing(ref.name, pipe["current"])
    return pipe


def start_pipe(call: Call, tx: Tx, params: Params) -> Params:
    ref = pipe_ref(call, params["Name"])
    pipe = _settled(tx, ref)
    if pipe["current"] == "RUNNING":
        raise errors.pipe_in_passing(ref.name, "RUNNING")
    return _changing(tx, ref, pipe | {"desired": "RUNNING", "current": "STARTING", "reason": state.USER_INITIATED, "modified_ms": tx.now_ms})


def stop_pipe(call: Call, tx: Tx, params: Params) -> Params:
    ref = pipe_ref(call, params["Name"])
    pipe = _settled(tx, ref)
    if pipe["current"] == "STOPPED":
        raise errors.pipe_in_passing(ref.name, "STOPPED")
    pipe |= {"desired": "STOPPED", "current": "STOPPING", "reason": state.USER_INITIATED, "modified_ms": tx.now_ms}
    state.put(tx, ref, pipe)
    return _answer(ref, pipe)


def delete_pipe(call: Call, tx: Tx, params: Params) -> Params:
    ref = pipe_ref(call, params["Name"])
    pipe = state.get(tx, ref)
    if pipe["current"] == "DELETING":
        raise errors.pipe_in_passing(ref.name, "DELETING")
    pipe |= {"desired": "DELETED", "current": "DELETING", "reason": state.USER_INITIATED, "modified_ms": tx.now_ms}
    state.put(tx, ref, pipe)
    return _answer(ref, pipe)


@reads
def list_pipes(call: Call, tx: Tx, params: Params) -> Params:
    prefix, limit = params.get("NamePrefix", ""), params.get("Limit", MAX_PIPES)
    filters = [params.get(name) for name in ("DesiredState", "CurrentState", "SourcePrefix", "TargetPrefix")]
    scope = f"pipes.ListPipes.{call.account}.{call.region}.{prefix}.{filters}"
    rows = state.PIPES.page(
        tx, call.account, call.region, after=call.node.pager.after(scope, params.get("NextToken"), errors.invalid_token), prefix=prefix
    )
    found = [(name, pipe) for name, pipe in rows if _is_wanted(pipe, params)]
    shown, last = page(found, limit, lambda row: row[0])
    answer: Params = {"Pipes": [_summary(pipe_ref(call, name), pipe) for name, pipe in shown]}
    if last is not None:
        answer["NextToken"] = call.node.pager.token(scope, last)
    return answer


def _is_wanted(pipe: Document, params: Params) -> bool:
    return (
        params.get("DesiredState") in (None, pipe["desired"])
        and params.get("CurrentState") in (None, pipe["current"])
        and pipe["settings"]["Source"].startswith(params.get("SourcePrefix", ""))
        and pipe["settings"]["Target"].startswith(params.get("TargetPrefix", ""))
    )


def _summary(ref: PipeRef, pipe: Document) -> Params:
    stations = {name: pipe["settings"].get(name) for name in ("Source", "Enrichment", "Target")}
    return {**_answer(ref, pipe), **stations, "StateReason": pipe["reason"]}
