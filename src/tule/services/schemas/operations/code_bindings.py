"""Code bindings.  AWS: EventBridge Schemas API reference, Code.

What is kept is that a binding was asked for; its source follows from the schema, and is made when it is fetched.
"""

from __future__ import annotations

from typing import Any

import orjson

from tule.platform.call import Call
from tule.platform.service import reads
from tule.services.schemas import bindings, errors, state
from tule.services.schemas.names import scope_of
from tule.services.schemas.operations.schemas import version
from tule.services.schemas.state import Record
from tule.store.store import Tx

Params = dict[str, Any]

IN_PROGRESS, COMPLETE, FAILED = "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_FAILED"


def put_code_binding(call: Call, tx: Tx, params: Params) -> Params:
    key, name, content = _asked(call, tx, params)
    record = state.BINDINGS.get(tx, *scope_of(call), key)
    if record is None:
        record = {"created_ms": tx.now_ms, "modified_ms": tx.now_ms, "status": _status(params["Language"], name, content)}
        state.BINDINGS.put(tx, *scope_of(call), key, record)
    return {**_shown(key, record), "Status": IN_PROGRESS}


def _status(language: str, name: str, content: str) -> str:
    try:
        bindings.archive(language, name, orjson.loads(content))
    except ValueError:
        return FAILED
    return COMPLETE


@reads
def describe_code_binding(call: Call, tx: Tx, params: Params) -> Params:
    key, _, _ = _asked(call, tx, params)
    return _shown(key, _binding(call, tx, key))


@reads
def get_code_binding_source(call: Call, tx: Tx, params: Params) -> Params:
    key, name, content = _asked(call, tx, params)
    if _binding(call, tx, key)["status"] != COMPLETE:
        raise errors.no_binding(key)
    return {"Body": bindings.archive(params["Language"], name, orjson.loads(content))}


def _asked(call: Call, tx: Tx, params: Params) -> tuple[str, str, str]:
    """The binding's key, the schema's name and content.  Raises BadRequestException and NotFoundException."""
    language, registry, name = params["Language"], params["RegistryName"], params["SchemaName"]
    if language not in bindings.LANGUAGES:
        raise errors.bad_request(f"Language {language} is not supported. Supported languages are {', '.join(bindings.LANGUAGES)}.")
    _, number, content = version(tx, scope_of(call), registry, name, params.get("SchemaVersion"))
    return f"{registry}/{name}/{number}/{language}", name, content


def _binding(call: Call, tx: Tx, key: str) -> Record:
    found = state.BINDINGS.get(tx, *scope_of(call), key)
    if found is None:
        raise errors.no_binding(key)
    return found


def _shown(key: str, record: Record) -> Params:
    return {
        "CreationDate": record["created_ms"] / 1000,
        "LastModified": record["modified_ms"] / 1000,
        "SchemaVersion": key.split("/")[2],
        "Status": record["status"],
    }
