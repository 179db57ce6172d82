"""Answers to what durable executions wait for.  AWS: Lambda API reference, SendDurableExecutionCallbackSuccess and its kin."""

from __future__ import annotations

from typing import Any

from tule.platform.call import Call
from tule.services.lambda_ import errors
from tule.services.lambda_.durable import callbacks
from tule.store.store import Tx

Params = dict[str, Any]


def send_durable_execution_callback_success(call: Call, tx: Tx, params: Params) -> Params:
    callbacks.succeed(tx, params["CallbackId"], _text(params.get("Result")))
    return {}


def send_durable_execution_callback_failure(call: Call, tx: Tx, params: Params) -> Params:
    callbacks.fail(tx, params["CallbackId"], params.get("Error", {}))
    return {}


def send_durable_execution_callback_heartbeat(call: Call, tx: Tx, params: Params) -> Params:
    callbacks.beat(tx, params["CallbackId"])
    return {}


def _text(result: bytes | None) -> str | None:
    if not result:
        return None
    try:
        return result.decode()
    except UnicodeDecodeError as error:
        raise errors.invalid_parameter("The callback result is not valid UTF-8.") from error
